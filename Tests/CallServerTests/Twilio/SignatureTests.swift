import CallServer
import Testing
import WebServer

/// Signatures of Twilio: published vectors, its validator's oddities, and requests that were tampered with.
@Suite struct SignatureTests {
    static let form = FormFields([
        .init("To", "+18005551212"), .init("From", "+14158675310"), .init("Digits", "1234"),
        .init("Caller", "+14158675310"), .init("CallSid", "CA1234567890ABCDE"),
    ])
    static let formSignature = "aXOBlOg9suNzFehCevbtdXAuaCs="
    static let upgradeSignature = "hGVJmeOLwZmJhPeWsyRDIvgH8Zc="

    static let company = PublicOrigin(host: "mycompany.example")
    static let bridge = PublicOrigin(host: "bridge.example.com")

    static func post(
        _ form: FormFields = form,
        target: String = "/myapp?foo=1&bar=2",
        origin: PublicOrigin = company,
        signature: String? = formSignature,
        settings: String? = nil
    ) -> SignedRequest {
        SignedRequest(origin: origin, target: target, content: .form(form), signature: signature, settings: settings)
    }

    static func upgrade(_ target: String, signature: String = upgradeSignature) -> SignedRequest {
        SignedRequest(origin: bridge, target: target, content: .upgrade, signature: signature)
    }

    @Test func knowsThePublishedVectors() {
        let url = "https://mycompany.example/myapp?foo=1&bar=2"
        #expect(TwilioSignature.sign(url: url, fields: Self.form, key: "12345") == Self.formSignature)
        #expect(
            TwilioSignature.sign(url: "wss://bridge.example.com/twilio/media", key: "12345") == Self.upgradeSignature
        )
        #expect(
            TwilioSignature.sign(url: "wss://bridge.example.com/twilio/media/", key: "12345")
                == "K34XpNWz3mSbbFwtWeDWONZkGSc="
        )
    }

    @Test func whatOccursTwiceCountsOnceAndEveryOrderIsTheSame() {
        func sign(_ fields: [FormFields.Field]) -> String {
            TwilioSignature.sign(url: "https://h/", fields: FormFields(fields), key: "k")
        }
        let expected = sign([.init("a", "1"), .init("a", "2"), .init("b", "")])
        #expect(sign([.init("b", ""), .init("a", "2"), .init("a", "1"), .init("a", "2")]) == expected)
        #expect(sign([.init("a", "1"), .init("b", "")]) != expected)
        // One letter in two spellings is two values.
        #expect(sign([.init("a", "\u{E9}")]) != sign([.init("a", "\u{E9}"), .init("a", "e\u{301}")]))
    }

    @Test(arguments: [
        (post(), SignatureVerdict.valid),
        (post(signature: nil), .missing),
        (post(signature: ""), .missing),
        (post(signature: "AAAA"), .wrong),
        (post(signature: String(formSignature.dropLast())), .wrong),
        (post(FormFields(form.fields + [.init("Extra", "1")])), .wrong),
        (post(FormFields(Array(form.fields.dropLast()))), .wrong),
        (post(FormFields(form.fields.map { .init($0.name, $0.name == "Digits" ? "1235" : $0.value) })), .wrong),
        (post(FormFields(form.fields + [.init("Digits", "1234")])), .valid),
        (post(FormFields(form.fields.reversed())), .valid),
        (post(target: "/myapp?bar=2&foo=1"), .wrong),
        (post(target: "/myapp?foo=1&bar=2#rc=3"), .valid),
        (post(origin: PublicOrigin(host: "mycompany.example", port: 8443)), .valid),
        (post(origin: PublicOrigin(isSecure: false, host: "mycompany.example")), .wrong),
        (post(origin: PublicOrigin(host: "evil.example")), .wrong),
        (upgrade("/twilio/media"), .valid),
        (upgrade("/twilio/media/"), .valid),
        (upgrade("/twilio/media", signature: "K34XpNWz3mSbbFwtWeDWONZkGSc="), .valid),
        (upgrade("/twilio/media/", signature: "K34XpNWz3mSbbFwtWeDWONZkGSc="), .valid),
        (upgrade("/twilio/other"), .wrong),
    ])
    func judges(request: SignedRequest, verdict: SignatureVerdict) {
        #expect(SignatureValidator(tokens: ["12345"]).check(request) == verdict)
        #expect(SignatureValidator(tokens: ["old", "12345"]).check(request) == verdict)
        let stranger = SignatureValidator(tokens: ["other"]).check(request)
        #expect(stranger == (request.signature?.isEmpty ?? true ? .missing : .wrong))
    }

    @Test(arguments: [
        ("https://h.example/p", nil as Int?, true), ("https://h.example:443/p", nil, true),
        ("https://h.example:8443/p", nil, false), ("https://h.example:8443/p", 8443, true),
        ("https://h.example/p", 8443, true), ("https://h.example:443/p", 8443, false),
        ("http://h.example/p", nil, false),
    ])
    func takesTheURLWithItsPortAndWithout(signed: String, port: Int?, isValid: Bool) {
        let request = Self.post(
            target: "/p",
            origin: PublicOrigin(host: "h.example", port: port),
            signature: TwilioSignature.sign(url: signed, fields: Self.form, key: "k")
        )
        #expect(SignatureValidator(tokens: ["k"]).check(request) == (isValid ? .valid : .wrong))
    }

    @Test func anUpgradeMayBeSignedWithPort443() {
        let signature = TwilioSignature.sign(url: "wss://bridge.example.com:443/twilio/media/?a=1", key: "12345")
        let request = Self.upgrade("/twilio/media?a=1", signature: signature)
        #expect(SignatureValidator(tokens: ["12345"]).check(request) == .valid)
    }

    @Test(arguments: [
        ("key=k1,algorithm=HMAC_SHA256", SignatureVerdict.valid),
        (" algorithm = HMAC_SHA256 , key = k1 ", .valid),
        ("key=k2,algorithm=HMAC_SHA256", .unknownKey),
        ("key=k1,algorithm=HMAC_MD5", .unknownAlgorithm),
        ("key=k1", .wrong),
        ("", .wrong),
    ])
    func sharedKeys(settings: String, verdict: SignatureVerdict) {
        let signature = TwilioSignature.sign(url: "https://h/p", fields: Self.form, key: "s3", algorithm: .sha256)
        let validator = SignatureValidator(tokens: ["12345"], sharedKeys: ["k1": "s3"])
        let origin = PublicOrigin(host: "h")
        let request = Self.post(target: "/p", origin: origin, signature: signature, settings: settings)
        #expect(validator.check(request) == verdict)
    }

    @Test func withoutATokenNothingIsValid() {
        let request = Self.post(signature: TwilioSignature.sign(url: "https://mycompany.example/myapp", key: ""))
        #expect(SignatureValidator(tokens: [""]).check(request) == .wrong)
        #expect(SignatureValidator(tokens: []).check(request) == .wrong)
    }
}
