extension SetupChecks {
    func account() async -> [SetupCheck] {
        guard let rest = settings.rest(fetcher) else {
            let detail = "TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN or an API key is not set"
            return [SetupCheck(.account, .skipped, detail), SetupCheck(.webhook, .skipped, detail)]
        }
        do throws(TwilioRESTError) {
            let numbers = try await rest.numbers()
            let known = SetupCheck(.account, .ok, "\(numbers.count) numbers")
            return [known, webhook(numbers)]
        } catch {
            return [
                SetupCheck(
                    .account,
                    .failed,
                    error.description,
                    advice: "see the account's id and token in Twilio's console"
                ),
                SetupCheck(.webhook, .skipped, "the account cannot be asked"),
            ]
        }
    }

    private func webhook(_ numbers: [TwilioNumber]) -> SetupCheck {
        guard let origin = settings.publicOrigin else { return SetupCheck(.webhook, .skipped, Self.noURL) }
        let ours = ["/incoming-call", "/twiml"].map { origin.pageURL(path: $0) }
        let led = numbers.filter { number in
            ours.contains { number.voiceURL == $0 || number.voiceURL.hasPrefix($0 + "?") }
        }
        if let first = led.first {
            return SetupCheck(.webhook, .ok, "\(first.number) leads to \(first.voiceURL)")
        }
        return SetupCheck(
            .webhook,
            .failed,
            "none of the account's \(numbers.count) numbers leads here",
            advice: "set \"A call comes in\" of a number to \(ours[0]), by POST"
        )
    }
}
