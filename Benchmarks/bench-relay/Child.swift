import Glibc
import RealtimeProtocol

/// A process of this same program in another role.
///
/// By `posix_spawn`, not by Foundation's `Process`: the relay's process shares this program, and its idle memory is
/// measured.
final class Child {
    let pid: pid_t
    /// Its standard output, and what of it was not taken yet.
    private let output: Int32
    private var pending: [UInt8] = []
    /// Its standard input; -1 once it is closed.
    private var input: Int32
    private var isRunning = true

    /// Starts a role; on cores of its own when they are named.
    init(_ arguments: [String], core: ClosedRange<Int>? = nil) throws {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else {
            throw Session.Failure("no pipe for a process of the load: \(String(cString: strerror(errno)))")
        }
        (input, output) = (toChild[1], fromChild[0])
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], STDOUT_FILENO)
        let cores = core.map { ["--first-core", "\($0.lowerBound)", "--last-core", "\($0.upperBound)"] } ?? []
        var words = (["bench-relay"] + arguments + cores).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, "/proc/self/exe", &actions, nil, &words, environ)
        close(toChild[0])
        close(fromChild[1])
        guard status == 0 else {
            throw Session.Failure("a process of the load did not start: \(String(cString: strerror(status)))")
        }
        self.pid = pid
    }

    deinit {
        terminate()
        close(output)
    }

    /// The next line, nil at the end.
    func line() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                return line
            }
            let count = read(output, &buffer, buffer.count)
            if count <= 0 { return nil }
            pending += buffer[..<count]
        }
    }

    /// The port that the process listens on.
    func port() throws -> Int {
        guard let line = line(), line.hasPrefix("listening "), let port = Int(line.dropFirst(10)) else {
            throw Session.Failure("a process of the load did not start")
        }
        return port
    }

    /// The relay's counters, those of all its loops in one.
    func counters() throws -> JSONValue {
        _ = write(input, "stats\n", 6)
        guard let line = line() else { throw Session.Failure("the relay's process has ended") }
        return try JSONValue(parsing: line)
    }

    /// Ends the process and reads its report.
    func finish() throws -> JSONValue {
        kill(pid, SIGTERM)
        guard let line = line() else { throw Session.Failure("the model's process gave no report") }
        terminate()
        return try JSONValue(parsing: line)
    }

    func terminate() {
        closeInput()
        guard isRunning else { return }
        kill(pid, SIGTERM)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        isRunning = false
    }

    private func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }
}
