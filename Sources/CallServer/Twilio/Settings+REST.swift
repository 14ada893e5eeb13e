extension Settings {
    /// The carrier's API for the account; nil without one, or without a way to ask.
    func rest(_ fetcher: (any HTTPFetching)?) -> TwilioREST? {
        guard let fetcher, !access.twilioAccount.isEmpty else { return nil }
        let token = access.twilioTokens.first ?? ""
        guard !token.isEmpty || carrier.apiKey != nil else { return nil }
        return TwilioREST(
            account: access.twilioAccount,
            token: token,
            apiKey: carrier.apiKey,
            server: carrier.server,
            fetcher: fetcher
        )
    }
}
