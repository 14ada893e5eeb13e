import Foundation
import SelfTest
import TestSupport
import Testing
import Trunk

@testable import CallRecording

/// Many calls, one thread, and a disk that is not always there.
@Suite(.timeLimit(.minutes(5))) struct CallRecorderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static var quick: RecordingLimits {
        var limits = RecordingLimits()
        limits.pollMilliseconds = 5
        return limits
    }

    @Test func recordsManyCallsAtOnce() async throws {
        let results = Locked<[RecordingResult]>([])
        let recorder = try CallRecorder(folder: folder.path, limits: Self.quick) { result in
            results.withLock { $0.append(result) }
        }
        let taps = (0..<20).map { _ in SyntheticTap() }
        for (index, tap) in taps.enumerated() { #expect(recorder.record(tap, callSID: "CA\(index)")) }
        for frame in 0..<200 {
            for (index, tap) in taps.enumerated() {
                tap.put(.caller, at: frame * 20, pattern(frame + index))
                tap.put(.agent, at: frame * 20, pattern(frame - index))
            }
            if frame % 20 == 0 { await Patience.wait { taps.allSatisfy(\.isEmpty) } }
        }
        for tap in taps { tap.end() }
        await Patience.wait { recorder.stats.finished == 20 }
        await Patience.wait { results.withLock { $0.count } == 20 }
        for (index, _) in taps.enumerated() {
            let played = try #require(Played(folder.file("CA\(index).wav")))
            #expect(same(played.left, (0..<200).flatMap { pattern($0 + index) }))
            #expect(same(played.right, (0..<200).flatMap { pattern($0 - index) }))
        }
        let result = try #require(results.withLock { $0.first { $0.callSID == "CA7" } })
        let expected = RecordingResult(
            callSID: "CA7",
            file: "CA7.wav",
            bytes: 64_058,
            milliseconds: 4_000,
            dropped: 3,
            diskErrors: 0
        )
        #expect(result == expected)
        #expect(recorder.stats.active == 0 && recorder.stats.dropped == 60 && recorder.stats.refused == 0)
        #expect(recorder.stop())
    }

    @Test func stopFinishesWhatIsUnderWayAndTakesNothingMore() throws {
        let recorder = try CallRecorder(folder: folder.path, limits: Self.quick)
        let tap = SyntheticTap()
        recorder.record(tap, callSID: "CA1")
        tap.put(.caller, at: 0, pattern(1))
        #expect(recorder.stop())
        #expect(Played(folder.file("CA1.wav"))?.left == pattern(1))
        #expect(!recorder.record(SyntheticTap(), callSID: "CA2"))
        #expect(recorder.stats.refused == 1 && recorder.stats.finished == 1)
    }

    @Test func thereAreOnlySoManyAtOnce() throws {
        var limits = Self.quick
        limits.recordings = 2
        let recorder = try CallRecorder(folder: folder.path, limits: limits)
        #expect((0..<3).map { recorder.record(SyntheticTap(), callSID: "CA\($0)") } == [true, true, false])
        #expect(!recorder.stats.isHealthy && recorder.stats.lastError == "a call was not recorded: too many at once")
        #expect(recorder.stop())
        #expect(folder.names == ["CA0.wav", "CA1.wav"])
    }

    @Test func namesStayInTheFolderAndTakeNobodysPlace() async throws {
        let inner = folder.file("inner")
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        let victim = folder.file("victim")
        try Data("keep".utf8).write(to: URL(fileURLWithPath: victim))
        try FileManager.default.createSymbolicLink(atPath: inner + "/link.wav", withDestinationPath: victim)
        let recorder = try CallRecorder(folder: inner, limits: Self.quick)
        let sids = [
            "../../x", "/etc/passwd", "a\0b", "", ".", "link", "same", "same", "Ünï",
            String(repeating: "y", count: 300),
        ]
        for sid in sids { recorder.record(SyntheticTap(), callSID: sid) }
        #expect(recorder.stop())
        #expect(try Data(contentsOf: URL(fileURLWithPath: victim)) == Data("keep".utf8))
        let names = try FileManager.default.contentsOfDirectory(atPath: inner).sorted()
        let expected = [
            "______x.wav", "_etc_passwd.wav", "a_b.wav", "call.wav", "_.wav", "link.wav", "link-2.wav", "same.wav",
            "same-2.wav", "__n__.wav", String(repeating: "y", count: 64) + ".wav",
        ]
        #expect(names == expected.sorted())
        #expect(folder.names == ["inner", "victim"])
        let mode = try FileManager.default.attributesOfItem(atPath: inner + "/same.wav")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func aFolderThatIsNoneIsAnError() {
        let error = #expect(throws: RecorderError.self) { try CallRecorder(folder: folder.file("no")) }
        #expect(error?.description == "recordings in \(folder.file("no")): No such file or directory")
    }

    @Test func aFullDiskIsCountedAndItsMomentsAreSilent() async throws {
        let disk = folder.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        guard mount("tmpfs", disk, "tmpfs", 0, "size=256k") == 0 else { return }
        defer { umount2(disk, Int32(MNT_DETACH)) }
        var limits = Self.quick
        limits.writeMilliseconds = 100
        limits.settleMilliseconds = 100
        let results = Locked<[RecordingResult]>([])
        let recorder = try CallRecorder(folder: disk, limits: limits) { result in
            results.withLock { $0.append(result) }
        }
        let tap = SyntheticTap()
        recorder.record(tap, callSID: "CA1")
        func say(_ frames: Range<Int>) async {
            for frame in frames {
                tap.put(.caller, at: frame * 20, pattern(frame))
                if frame % 5 == 4 { await Patience.wait { tap.isEmpty } }
            }
        }
        await say(0..<200)
        _ = FileManager.default.createFile(atPath: disk + "/ballast", contents: nil)
        let ballast = try #require(FileHandle(forWritingAtPath: disk + "/ballast"))
        while (try? ballast.write(contentsOf: Data(count: 4_096))) != nil {}
        try ballast.close()
        await say(200..<400)
        await Patience.wait { recorder.stats.diskErrors > 0 }
        #expect(recorder.stats.lastError == "a recording cannot be written" && !recorder.stats.isHealthy)
        try FileManager.default.removeItem(atPath: disk + "/ballast")
        await say(400..<500)
        tap.end()
        await Patience.wait { results.withLock { $0.count } == 1 }
        let played = try #require(Played(disk + "/CA1.wav"))
        #expect(played.left.count == 500 * 160)
        for frame in 0..<500 {
            let audio = Array(played.left[frame * 160..<frame * 160 + 160])
            // What was written is right; what was not is silent, byte by byte.
            let isRight = zip(audio, pattern(frame)).allSatisfy { $0 == $1 || $0 == 0xFF }
            #expect(isRight, "frame \(frame)")
        }
        #expect(same(Array(played.left[..<(180 * 160)]), (0..<180).flatMap { pattern($0) }))
        #expect(same(Array(played.left[(420 * 160)...]), (420..<500).flatMap { pattern($0) }))
        #expect(results.withLock { $0.first?.diskErrors } == recorder.stats.diskErrors)
        #expect(recorder.stop())
    }

    @Test func aKilledProcessLeavesAFileThatPlays() async throws {
        let path = folder.path
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let recorder = try CallRecorder(folder: path, limits: Self.quick)
            let tap = SyntheticTap()
            recorder.record(tap, callSID: "CA1")
            for frame in 0..<500 {
                tap.put(.caller, at: frame * 20, pattern(frame))
                await Patience.wait { tap.isEmpty }
            }
            // The last frame is taken, and what was settled before it is written.
            tap.put(.clear, at: 10_000)
            await Patience.wait { tap.isEmpty }
            kill(getpid(), SIGKILL)
        }
        let played = try #require(Played(folder.file("CA1.wav")))
        // Ten seconds, less what settles, what waits for a write, and the age of the header.
        #expect(played.left.count >= (10_000 - 1_000 - 500 - 2_500) * 8)
        #expect(same(played.left, Array((0..<500).flatMap { pattern($0) }.prefix(played.left.count))))
    }
}
