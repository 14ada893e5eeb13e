import Trunk

/// Several plain legs between two engines.
struct LegPair: Sendable {
    typealias Action = @Sendable (LegID, isolated CallEngine) -> Void

    let server: CallEngine
    let client: CallEngine
    let port: Int
    let log = Log()
    let serverLegs = Watched<[LegID]>([])
    let clientLegs = Watched<[LegID]>([])
    /// How the client's legs have ended.
    let endings = Watched<[LegEnding]>([])
    /// The server's legs that said something, message by message.
    let heard = Watched<[LegID]>([])
    /// Called with each message of the server's legs, before it is counted.
    let whenHeard = Watched<Action>({ _, _ in })

    /// Returns when all legs are open on both sides.
    init(
        legs count: Int = 1,
        tls: LoopbackCertificate? = nil,
        server: EngineConfiguration = EngineConfiguration(),
        client: EngineConfiguration = EngineConfiguration()
    ) async throws {
        self.server = try CallEngine.start(server)
        self.client = try CallEngine.start(client)
        let (log, serverLegs, heard, whenHeard) = (log, serverLegs, heard, whenHeard)
        port = try await self.server.perform { engine in
            let acceptor = AcceptAll {
                let recorder = Recorder("server", log)
                recorder.whenOpened = { leg, _ in serverLegs.update { $0.append(leg) } }
                recorder.answer = { _, leg, engine in
                    whenHeard.value(leg, engine)
                    heard.update { $0.append(leg) }
                }
                return recorder
            }
            return try engine.listen(
                ListenAddress(
                    host: "127.0.0.1",
                    port: 0,
                    paths: ["/"],
                    certificateFile: tls?.certificateFile,
                    keyFile: tls?.keyFile
                ),
                acceptor: acceptor
            )
        }
        for _ in 0..<count { try await dial(tls: tls) }
        await clientLegs.wait { $0.count == count }
        await serverLegs.wait { $0.count == count }
    }

    /// Dials one more leg.
    func dial(tls: LoopbackCertificate? = nil, host: String? = nil) async throws {
        let (log, port, clientLegs, endings) = (log, port, clientLegs, endings)
        try await client.perform { engine in
            let recorder = Recorder("client", log)
            recorder.whenOpened = { leg, _ in clientLegs.update { $0.append(leg) } }
            recorder.whenClosed = { ending in endings.update { $0.append(ending) } }
            _ = try engine.dial(
                DialTarget(
                    host: host ?? (tls == nil ? "127.0.0.1" : "localhost"),
                    port: port,
                    isSecure: tls != nil,
                    target: "/",
                    authorityFile: tls?.certificateFile
                ),
                handler: recorder
            )
        }
    }

    func stop() async {
        await client.stop()
        await server.stop()
    }
}
