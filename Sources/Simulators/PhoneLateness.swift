/// How late a simulated phone itself was: the machine did not let it run when its timer was due. What it measures of the
/// server is wrong by as much.
struct PhoneLateness: Sendable {
    /// How long a delay counts, microseconds: two echoes, each up to 200 ms late, must tell of it.
    private static let memory: Int64 = 2_000_000

    /// When the phone wanted to run next, microseconds; nil before it first waited.
    var due: Int64?
    private var worst: (late: Int64, at: Int64) = (0, .min / 2)

    /// The phone runs, by its timer or by a message.
    mutating func ran(at now: Int64) {
        guard let due else { return }
        let late = max(0, now - due)
        self.due = nil
        if late >= recent(at: now) { worst = (late, now) }
    }

    /// The longest delay of the last two seconds, microseconds.
    func recent(at now: Int64) -> Int64 { now - worst.at <= Self.memory ? worst.late : 0 }
}
