import Foundation
import TestSupport
import Testing

@testable import CallServer

/// When files count as others than those in use.
@Suite struct FileWatchTests {
    @Test func whatIsNotTakenUpIsSeenAgain() throws {
        let folder = try TemporaryFolder()
        let (one, two) = (folder.file("one"), folder.file("two"))
        for path in [one, two] { try Data("a".utf8).write(to: URL(fileURLWithPath: path)) }
        var watch = FileWatch([one, two])
        #expect(watch.look() == nil)
        // Another file of the same size and time, in the second one's place.
        let time = try FileManager.default.attributesOfItem(atPath: two)[.modificationDate] as Any
        let other = folder.file("other")
        try Data("b".utf8).write(to: URL(fileURLWithPath: other))
        try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: other)
        try FileManager.default.removeItem(atPath: two)
        try FileManager.default.moveItem(atPath: other, toPath: two)
        let look = try #require(watch.look())
        #expect(watch.look() == look, "seen again until it is taken up")
        #expect(watch.isNews(look) && !watch.isNews(look), "told of once")
        watch.take(look)
        #expect(watch.look() == nil)
        // Taken away is another state, too.
        try FileManager.default.removeItem(atPath: one)
        #expect(watch.look() != nil)
    }
}
