import Glibc
import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Trunk

/// Bytes of a connection of which the parser has made nothing yet; shared by the handlers before and behind it.
typealias SilentBytes = Locked<Int>

/// More was read than a head may have, and nothing came of it: chunk extensions and empty lines are passed over by the
/// parser, without end.
struct TooMuchForNothing: Error {}

/// Lets the pipeline read first what the core had read already, and ends what says nothing at length.
final class ReplayHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    private let bytes: [UInt8]
    private let silent: SilentBytes
    private let silentMax: Int

    init(_ bytes: [UInt8], _ silent: SilentBytes, max: Int) {
        self.bytes = bytes
        self.silent = silent
        silentMax = max
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let count = unwrapInboundIn(data).readableBytes
        silent.withLock { $0 += count }
        context.fireChannelRead(data)
        guard silent.withLock({ $0 }) > silentMax else { return }
        context.fireErrorCaught(TooMuchForNothing())
        context.close(mode: .input, promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: bytes)))
        context.fireChannelReadComplete()
    }
}

/// Gives the connection back to the core when a WebSocket is asked for on it: connections that a proxy keeps alive
/// carry requests of both kinds. Answers to earlier requests are written first. Frames that a client sends without
/// waiting for the answer, which it must not (RFC 6455 section 4.1), may be lost.
final class GiveBackHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let paths: Set<String>
    private let silent: SilentBytes
    private let give: @Sendable (_ descriptor: Int32, _ head: [UInt8]) -> Void
    /// Requests whose answers are not written yet.
    private var unanswered = 0
    /// The head of the upgrade; nothing behind it is for the HTTP server.
    private var upgrade: [UInt8]?

    init(paths: Set<String>, _ silent: SilentBytes, give: @escaping @Sendable (Int32, [UInt8]) -> Void) {
        self.paths = paths
        self.silent = silent
        self.give = give
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        silent.withLock { $0 = 0 }
        if upgrade != nil { return }
        if case .head(let head) = unwrapInboundIn(data) {
            if isUpgrade(head) {
                upgrade = Self.bytes(of: head)
                return unanswered == 0 ? giveBack(context) : ()
            }
            unanswered += 1
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        unanswered -= 1
        guard upgrade != nil, unanswered == 0 else { return context.write(data, promise: promise) }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.cascade(to: promise)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        written.futureResult.whenSuccess { bound.value.0.giveBack(bound.value.1) }
        context.writeAndFlush(data, promise: written)
    }

    private func isUpgrade(_ head: HTTPRequest) -> Bool {
        guard let upgrade = head.headerFields[.upgrade], upgrade.lowercased().contains("websocket") else {
            return false
        }
        return paths.contains(String((head.path ?? "").prefix { $0 != "?" }))
    }

    /// The duplicate lives on when the channel closes its own descriptor.
    private func giveBack(_ context: ChannelHandlerContext) {
        guard let head = upgrade else { return }
        let descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { fcntl($0, F_DUPFD_CLOEXEC, 0) }
        let give = give
        context.close().whenComplete { _ in
            if let descriptor, descriptor >= 0 { give(descriptor, head) }
        }
    }

    /// The head as a client would send it.
    private static func bytes(of head: HTTPRequest) -> [UInt8] {
        var text = "\(head.method.rawValue) \(head.path ?? "/") HTTP/1.1\r\n"
        if let authority = head.authority { text += "Host: \(authority)\r\n" }
        for field in head.headerFields { text += "\(field.name.rawName): \(field.value)\r\n" }
        return Array((text + "\r\n").utf8)
    }
}

/// Ends the connection behind an answer that says `Connection: close`, so that the answer arrives: our half is closed,
/// and what the client still sends is read and dropped for a moment. A close with unread bytes would be a reset, which
/// takes the answer back.
final class ClosingHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long the client's end is waited for.
    private static let linger = TimeAmount.seconds(1)
    private var closes = false
    private var isClosing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isClosing { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            closes = head.headerFields[.connection]?.lowercased() == "close"
            context.write(data, promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            guard closes else { return context.write(data, promise: promise) }
            isClosing = true
            context.writeAndFlush(data, promise: promise)
            context.close(mode: .output, promise: nil)
            let channel = context.channel
            context.eventLoop.scheduleTask(in: Self.linger) { channel.close(promise: nil) }
        }
    }
}
