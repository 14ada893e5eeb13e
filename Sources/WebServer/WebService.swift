import HTTPTypes
import HummingbirdCore
public import Logging
import NIOCore
import NIOHTTPTypes
import NIOPosix
public import ServiceLifecycle
public import Trunk

/// The HTTP side of a server: answers requests on the connections that engines give away.
public final class WebService: Service {
    /// Its limits.
    public struct Configuration: Sendable {
        /// Connections at once; more are answered with 503.
        public var connectionsMax = 1_024
        /// Bytes of a request's body; more are answered with 413.
        public var bodyBytesMax = 65_536
        /// From a request's head to the end of its body, milliseconds; then 408.
        public var bodyDeadlineMilliseconds = 10_000
        /// A connection on which nothing happens for so long is closed, milliseconds.
        public var idleMilliseconds = 30_000
        /// A client that takes no more of an answer for so long is closed, milliseconds.
        public var writeDeadlineMilliseconds = 10_000
        /// Bytes of a request's head on a connection that was kept alive.
        public var headBytesMax = 16_384
        /// Threads.
        public var threads = 1
        /// Other sites whose pages may use the server.
        public var origins = CORSPolicy()

        /// The defaults.
        public init() {}
    }

    /// What was counted.
    public struct Stats: Sendable, Hashable {
        /// Connections open now.
        public var connectionsOpen = 0
        /// Connections taken.
        public var connections = 0
        /// Connections refused at `connectionsMax`.
        public var connectionsRefused = 0
        /// Connections given back for a WebSocket.
        public var givenBack = 0
        /// Requests answered, by status.
        public var responses: [Int: Int] = [:]
        /// Requests whose body came too slowly.
        public var bodiesLate = 0
        /// Requests whose body was too big.
        public var bodiesTooBig = 0
        /// Connections closed because an answer was not taken in time.
        public var answersLate = 0

        /// Nothing yet.
        public init() {}
    }

    struct Handed: Sendable {
        let connection: HandedConnection
        let engine: CallEngine
        let paths: Set<String>
    }

    let configuration: Configuration
    let logger: Logger
    let counted: Locked<Stats>
    private let responder: WebResponder
    private let arrivals: AsyncStream<Handed>
    private let arrive: AsyncStream<Handed>.Continuation

    /// Makes a service; nothing is answered before it runs.
    ///
    /// - Parameters:
    ///   - table: What it answers.
    ///   - guardian: Who may ask for what is not open.
    ///   - configuration: Its limits.
    ///   - counted: Where it counts, for a table whose handlers tell the figures.
    ///   - logger: Where log lines go.
    public init(
        _ table: RouteTable,
        guardedBy guardian: any RequestGuard,
        configuration: Configuration = Configuration(),
        counted: Locked<Stats> = Locked(Stats()),
        logger: Logger
    ) {
        self.configuration = configuration
        self.counted = counted
        self.logger = logger
        // Bounded by `connectionsMax`: whoever is let in here was counted.
        (arrivals, arrive) = AsyncStream.makeStream()
        responder = WebResponder(table, guardian, configuration, counted, logger)
    }

    /// What was counted so far.
    public var stats: Stats { counted.withLock { $0 } }

    /// Takes the plain requests of a listener with these WebSocket paths. Call it on the engine.
    public func acceptor(paths: [String]) -> any PlainAcceptor { Acceptor(self, Set(paths)) }

    /// Lives on an engine: passes its connections on.
    private final class Acceptor: PlainAcceptor {
        private let service: WebService
        private let paths: Set<String>

        init(_ service: WebService, _ paths: Set<String>) {
            self.service = service
            self.paths = paths
        }

        func requested(
            _ leg: LegID,
            from listener: ListenerID,
            isSecure: Bool,
            on engine: isolated CallEngine
        ) {
            guard service.enter() else { return engine.refuse(leg, status: 503) }
            do throws(TrunkError) {
                let connection = try engine.handOver(leg, of: listener, isSecure: isSecure)
                let handed = Handed(connection: connection, engine: engine, paths: paths)
                // After the shutdown nobody takes it: it closes with its last owner.
                guard case .enqueued = service.arrive.yield(handed) else { return service.leave() }
            } catch {
                service.leave()
                engine.refuse(leg, status: 503)
            }
        }
    }

    private func enter() -> Bool {
        counted.withLock { stats in
            guard stats.connectionsOpen < configuration.connectionsMax else {
                stats.connectionsRefused += 1
                return false
            }
            stats.connectionsOpen += 1
            stats.connections += 1
            return true
        }
    }

    private func leave() { counted.withLock { $0.connectionsOpen -= 1 } }

    /// Serves until it is told to shut down: then requests in progress are answered, and all connections closed.
    public func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads)
        let arrive = arrive
        await withDiscardingTaskGroup { tasks in
            await withGracefulShutdownHandler {
                for await handed in arrivals {
                    tasks.addTask { [self] in
                        await serve(handed, group)
                        leave()
                    }
                }
            } onGracefulShutdown: {
                arrive.finish()
            }
        }
        try await group.shutdownGracefully()
    }

    /// What one read of the system brings at most; the parser is asked behind it.
    private static let readBytesMax = 65_536

    private func serve(_ handed: Handed, _ group: any EventLoopGroup) async {
        let connection = handed.connection
        let isOld = Self.isOldVersion(connection.bytes)
        let (responder, paths) = (responder, handed.paths)
        let silent = SilentBytes(0)
        let silentMax = configuration.headBytesMax + Self.readBytesMax
        let http = HTTP1Channel(
            responder: { request, writer, channel in
                try await responder.answer(request, writer, channel, of: connection, closes: isOld)
            },
            configuration: .init(
                additionalChannelHandlers: [
                    GiveBackHandler(paths: paths, silent) { [self] in giveBack(handed, $0, $1) }, ClosingHandler(),
                ],
                idleTimeout: .milliseconds(Int64(configuration.idleMilliseconds)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: configuration.headBytesMax,
                    maxHeaderListSize: configuration.headBytesMax,
                    maxHeaderFieldCount: 100
                )
            )
        )
        do {
            let logger = logger
            let value = try await ClientBootstrap(group: group)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .withConnectedSocket(connection.takeDescriptor()) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            ReplayHandler(connection.bytes, silent, max: silentMax)
                        )
                    }.flatMap { http.setup(channel: channel, logger: logger) }
                }
            await withGracefulShutdownHandler {
                await http.handle(value: value, logger: logger)
            } onGracefulShutdown: {
                value.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
            }
        } catch {
            logger.debug("an HTTP connection could not be taken: \(error)")
        }
    }

    private func giveBack(_ handed: Handed, _ descriptor: Int32, _ head: [UInt8]) {
        counted.withLock { $0.givenBack += 1 }
        let back = HandedConnection(
            descriptor: descriptor,
            bytes: head,
            peer: handed.connection.peer,
            listener: handed.connection.listener,
            isSecure: handed.connection.isSecure
        )
        // Not taken: the listener is closed. The connection then closes with its last owner.
        Task { await handed.engine.perform { engine in try? engine.adopt(back) } }
    }

    /// Whether a request line says HTTP/1.0: such a client knows no kept connections (RFC 9112 section 9.3).
    private static func isOldVersion(_ bytes: [UInt8]) -> Bool {
        bytes.prefix { $0 != UInt8(ascii: "\r") }.suffix(4).elementsEqual(" HTTP/1.0".utf8.suffix(4))
    }
}
