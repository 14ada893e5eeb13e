import AsyncHTTPClient
public import CallServer
import Dispatch
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Trunk

/// Requests by way of AsyncHTTPClient.
///
/// A host is resolved and its addresses are checked before each request; the request then goes to the first of them,
/// whatever the resolver would say by then. TLS is settled for the name. Proxies of the environment are not used.
public final class OutboundHTTPClient: HTTPFetching {
    /// Clients that are kept, one for each server and address; an old one goes when there are more.
    public static let clientsMaximum = 64

    private struct Pinned: Hashable {
        let host: String
        let address: String
    }

    private struct Clients {
        var byTarget: [Pinned: HTTPClient] = [:]
        var order: [Pinned] = []
    }

    private let group: MultiThreadedEventLoopGroup
    private let resolver: NIOThreadPool
    private let clients = Locked(Clients())

    /// A client with a thread of its own, and two that wait for the resolver.
    public init() {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        resolver = NIOThreadPool(numberOfThreads: 2)
        resolver.start()
    }

    /// Ends everything; requests under way fail.
    public func shutdown() async {
        let all = clients.withLock { clients in
            defer { clients = Clients() }
            return Array(clients.byTarget.values)
        }
        for client in all { try? await client.shutdown() }
        try? await resolver.shutdownGracefully()
        try? await group.shutdownGracefully()
    }

    /// Sends a request and gathers the answer.
    public func fetch(_ request: OutboundRequest) async throws(OutboundFailure) -> OutboundAnswer {
        let deadline = NIODeadline.now() + .milliseconds(Int64(request.timeoutMilliseconds))
        let address = try await address(of: request.server, before: deadline)
        var outbound = HTTPClientRequest(url: request.server.origin + request.target)
        outbound.method = HTTPMethod(rawValue: request.method)
        outbound.headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        if !request.body.isEmpty { outbound.body = .bytes(request.body) }
        let client = client(for: Pinned(host: request.server.host, address: address))
        do {
            return try await Self.gather(outbound, client, before: deadline, bytesMaximum: request.answerBytesMaximum)
        } catch {
            throw Self.failure(error)
        }
    }

    /// The whole answer, or a failure at the deadline: the client's own ends with the head of the answer.
    private static func gather(
        _ request: HTTPClientRequest,
        _ client: HTTPClient,
        before deadline: NIODeadline,
        bytesMaximum: Int
    ) async throws -> OutboundAnswer {
        try await withThrowingTaskGroup(of: OutboundAnswer.self) { race in
            race.addTask {
                let response = try await client.execute(request, deadline: deadline)
                let body = try await response.body.collect(upTo: bytesMaximum)
                return OutboundAnswer(
                    status: Int(response.status.code),
                    encoding: response.headers.first(name: "Content-Encoding"),
                    body: Array(body.readableBytesView)
                )
            }
            race.addTask {
                try await Task.sleep(nanoseconds: UInt64(max(0, (deadline - NIODeadline.now()).nanoseconds)))
                throw OutboundFailure.timeout
            }
            defer { race.cancelAll() }
            guard let answer = try await race.next() else { throw OutboundFailure.timeout }
            return answer
        }
    }

    /// The first address of a server whose addresses may all be connected to.
    private func address(
        of server: OutboundServer,
        before deadline: NIODeadline
    ) async throws(OutboundFailure) -> String {
        // The resolver cannot be interrupted; who waits can.
        let promise = group.next().makePromise(of: Result<[String], OutboundFailure>.self)
        let timer = group.next().scheduleTask(deadline: deadline) { promise.succeed(.failure(.timeout)) }
        resolver.submit { state in
            guard state == .active else { return promise.succeed(.failure(.unreachable)) }
            do throws(OutboundFailure) {
                promise.succeed(.success(try AddressPolicy.resolve(server)))
            } catch {
                promise.succeed(.failure(error))
            }
        }
        let result = (try? await promise.futureResult.get()) ?? .failure(.unresolved)
        timer.cancel()
        guard let first = try result.get().first else { throw .unresolved }
        return first
    }

    private func client(for target: Pinned) -> HTTPClient {
        let (client, old) = clients.withLock { clients -> (HTTPClient, HTTPClient?) in
            if let client = clients.byTarget[target] { return (client, nil) }
            var configuration = HTTPClient.Configuration()
            configuration.redirectConfiguration = .disallow
            configuration.decompression = .disabled
            configuration.httpVersion = .http1Only
            configuration.dnsOverride = [target.host: target.address]
            configuration.timeout.connect = .seconds(5)
            // Whether to try again is for who asks to say.
            configuration.connectionPool.retryConnectionEstablishment = false
            let client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
            clients.byTarget[target] = client
            clients.order.append(target)
            guard clients.order.count > Self.clientsMaximum else { return (client, nil) }
            return (client, clients.byTarget.removeValue(forKey: clients.order.removeFirst()))
        }
        if let old { Task { try? await old.shutdown() } }
        return client
    }

    private static func failure(_ error: any Error) -> OutboundFailure {
        switch error {
        case let failure as OutboundFailure: failure
        case is NIOTooManyBytesError: .tooLarge
        case is HTTPParserError: .malformed
        case is NIOSSLError, is BoringSSLError: .tls
        case let error as HTTPClientError:
            switch error {
            case .deadlineExceeded, .readTimeout, .connectTimeout, .getConnectionFromPoolTimeout, .cancelled: .timeout
            case .tlsHandshakeTimeout: .tls
            default: .unreachable
            }
        default: .unreachable
        }
    }
}
