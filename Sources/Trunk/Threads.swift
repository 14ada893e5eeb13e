import Glibc

/// Runs a closure on a detached thread of its own; false when the system gives none.
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(Box(body)).toOpaque()
    let status = pthread_create(
        &thread,
        nil,
        { pointer in
            guard let pointer else { return nil }
            Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        },
        argument
    )
    guard status == 0 else {
        Unmanaged<Box>.fromOpaque(argument).release()
        return false
    }
    pthread_detach(thread)
    return true
}
