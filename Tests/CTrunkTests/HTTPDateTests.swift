import CTrunk.Codecs
import Foundation
import Testing

/// Dates in headers, against the system's calendar.
@Suite struct HTTPDateTests {
    private static func seconds(_ text: String) -> Int64 {
        let buffer = ExactBuffer(Array(text.utf8))
        return trk_http_date(trk_bytes(data: buffer.start, count: buffer.count))
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600), ("Wed, 21 Oct 2026 07:28:00 GMT", 1_792_567_680),
        ("Fri, 31 Dec 9999 23:59:60 GMT", 253_402_300_800),
    ])
    func areSecondsSince1970(text: String, seconds: Int64) { #expect(Self.seconds(text) == seconds) }

    @Test func everyDayOfFourHundredYearsIsTheCalendars() {
        for day in stride(from: 0, to: 146_097, by: 13) {
            var moment = time_t(day * 86_400 + day % 86_400)
            var parts = tm()
            gmtime_r(&moment, &parts)
            var text = [CChar](repeating: 0, count: 64)
            let count = strftime(&text, text.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            #expect(
                Self.seconds(String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)) == moment
            )
        }
    }

    @Test(arguments: [
        "", "soon", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 08:49:3\u{0} GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
    ])
    func nothingElseIsADate(text: String) { #expect(Self.seconds(text) == -1) }
}
