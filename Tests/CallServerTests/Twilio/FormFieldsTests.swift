import CallServer
import Testing
import WebServer

/// Forms that are well-formed, odd, and hostile.
@Suite struct FormFieldsTests {
    @Test(arguments: [
        ("a=1&b=2", [("a", "1"), ("b", "2")]),
        ("To=%2B15550100&From=caf%C3%A9+au+lait", [("To", "+15550100"), ("From", "café au lait")]),
        ("a=1&a=2&a=1", [("a", "1"), ("a", "2"), ("a", "1")]),
        ("", []),
        ("&&&&", []),
        ("=", [("", "")]),
        ("=x", [("", "x")]),
        ("a", [("a", "")]),
        ("a=b=c", [("a", "b=c")]),
        ("%", [("%", "")]),
        ("a=%", [("a", "%")]),
        ("a=%4", [("a", "%4")]),
        ("a=%G1", [("a", "%G1")]),
        ("a=%u0041", [("a", "%u0041")]),
        ("a=%2541", [("a", "%41")]),
        ("a= b ", [("a", " b ")]),
        ("%61+b=%3d%26", [("a b", "=&")]),
    ])
    func decodesByTheStandard(body: String, expected: [(String, String)]) throws {
        let form = try FormFields(parsing: Array(body.utf8))
        #expect(form.fields == expected.map { FormFields.Field($0.0, $0.1) })
    }

    @Test(arguments: [
        ("a=%00", FormError.containsNUL, 400),
        ("a%00b=1", .containsNUL, 400),
        ("a=%C0%80", .invalidText, 400),
        ("a=%FF", .invalidText, 400),
        ("a=%ED%A0%80", .invalidText, 400),
        ("a=%E2%82", .invalidText, 400),
        (String(repeating: "n", count: 1_025) + "=1", .nameTooLong, 400),
        ("a=" + String(repeating: "x", count: 64 * 1024 - 1), .bodyTooLarge, 413),
        (String(repeating: "a=1&", count: 501), .tooManyFields, 413),
    ])
    func refuses(body: String, error: FormError, status: Int) {
        #expect(throws: error) { try FormFields(parsing: Array(body.utf8)) }
        #expect(error.status == status)
    }

    @Test func takesWhatIsJustWithinTheLimits() throws {
        let name = String(repeating: "n", count: 1_024)
        let fields = String(repeating: "a=1&", count: 500)
        let large = "a=" + String(repeating: "x", count: 64 * 1024 - 2)
        #expect(try FormFields(parsing: Array("\(name)=1".utf8)).fields.count == 1)
        #expect(try FormFields(parsing: Array(fields.utf8)).fields.count == 500)
        #expect(try FormFields(parsing: Array(large.utf8))["a"]?.utf8.count == 64 * 1024 - 2)
    }

    @Test func isReadAsItWasWritten() throws {
        let form = FormFields([.init("a b", "1&2=3"), .init("é", "\u{1F600}%"), .init("", "+"), .init("a b", "")])
        #expect(form.encoded == "a%20b=1%262%3D3&%C3%A9=%F0%9F%98%80%25&=%2B&a%20b=")
        #expect(try FormFields(parsing: Array(form.encoded.utf8)) == form)
    }
}
