/// Waiting for what no event tells.
public enum Patience {
    /// Between two looks. A loop without a pause takes the time of those it waits for, on a machine with few cores.
    private static let pause = Duration.milliseconds(2)

    /// Returns once the condition holds, or when the task is cancelled: a test's time limit ends it and what it waits for.
    ///
    /// - Parameter condition: Asked again and again, on the caller's actor.
    public static func wait(
        isolation: isolated (any Actor)? = #isolation,
        until condition: () async throws -> Bool
    ) async rethrows {
        while !Task.isCancelled {
            if try await condition() { return }
            try? await Task.sleep(for: pause)
        }
    }
}
