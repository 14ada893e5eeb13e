import Foundation
import Trunk

/// What a server's engine had used at one moment.
struct LoadProbe: Sendable {
    /// CPU time of the engine's thread, microseconds.
    let cpuMicroseconds: Int64
    /// The engine's clock, microseconds.
    let at: Int64
    /// Resident memory of the whole process.
    let residentBytes: Int
    /// The engine's counters.
    let stats: EngineStats

    init(_ engine: CallEngine) async {
        // The closure runs on the engine's own thread: that thread's clock is the engine's.
        (cpuMicroseconds, at, stats) = await engine.perform { engine in
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return (Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000, engine.nowMicroseconds, engine.stats)
        }
        residentBytes = Self.residentBytes()
    }

    /// Resident memory of this process, bytes; 0 where it cannot be read.
    static func residentBytes() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
