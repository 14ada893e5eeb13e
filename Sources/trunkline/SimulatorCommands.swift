import ArgumentParser
import CallBridge
import Foundation
import RealtimeProtocol
import SelfTest
import Simulators
import Trunk
import UnixSignals

/// A telephone for any server that speaks Twilio's media streams.
struct PhoneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phone",
        abstract: "Call a server as Twilio would: say something, hear the answer, interrupt it, hang up.",
        discussion: "Twilio signs its requests; this telephone does not. Use it against servers of your own."
    )

    @Argument(help: "The stream's address, such as ws://127.0.0.1:5050/media-stream.")
    var url: String

    @Option(help: "A WAV file that the caller says; default: installed telephone speech.")
    var wav: String?

    @Option(help: "Where the recording goes: caller left, agent right.")
    var output = "phone-call.wav"

    @Option(help: "Milliseconds of the answer that are heard before the caller interrupts; 0 never.")
    var interruptAfter = 0

    @Option(help: "Milliseconds by which echoes of marks are late.")
    var echoDelay = 0

    @Option(help: "customParameters of the stream, as name=value; may be given again.")
    var parameter: [String] = []

    @Option(help: "PEM file of certificate authorities for wss; default: the system's.")
    var caFile: String?

    func run() async throws {
        let target = try StreamAddress.target(url, authorityFile: caFile)
        let script = try script()
        let engine = try CallEngine.start()
        let phone = try await engine.perform { engine in try PhoneSimulator.call(target, script, on: engine) }
        await phone.ended()
        await engine.stop()
        let report = phone.report
        try WaveFile.writeStereo(output, left: report.said, right: report.heard)
        for (index, answer) in report.answers.enumerated() {
            let began = (answer.began - report.startedAt) / 1_000
            print("answer \(index + 1): from \(began) ms, \(answer.bytes / MuLaw.bytesPerMillisecond) ms heard")
        }
        print("sent \(report.framesSent) frames, got \(report.mediaReceived) media messages, \(report.marksReceived)")
        print("marks, \(report.clears.count) clears; ended: \(report.ending)")
        for problem in report.invalidMessages { print("Twilio would not take: \(problem)") }
        print("recording: \(output)")
        if report.answers.isEmpty { throw ExitCode.failure }
    }

    private func script() throws -> PhoneScript {
        let speech = try Demo.utterances(wav: wav)
        var steps: [PhoneScript.Step] = [.pause(milliseconds: 600), .speak(speech.first)]
        if interruptAfter > 0 {
            steps += [.waitUntilHeard(milliseconds: interruptAfter, atMost: 20_000), .speak(speech.second)]
        }
        steps += [.waitForSilence(milliseconds: 1_500, atMost: 60_000), .hangUp(.stop)]
        var script = PhoneScript(steps)
        script.echoDelay = echoDelay
        script.parameters = try parameter.map { text in
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--parameter \(text): name=value is expected")
            }
            return (String(text[..<equals]), String(text[text.index(after: equals)...]))
        }
        return script
    }
}

/// A model for any client that speaks the Realtime API.
struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Play the Realtime API on a port of this machine, by a scenario.",
        discussion: """
            A scenario is a JSON file, such as
              {"voice":"parrot","think_ms":200,"faults":[{"after_ms":8000,"do":"drop"}]}
            with voice, answer_ms, think_ms, delta_ms, speed, items, stall, tools, faults, handshake, expires_ms,
            transcript and caller_transcript.
            """
    )

    @Option(help: "The port to listen on; 0 picks one.")
    var port = 8765

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "A scenario file; default: a parrot.")
    var scenario: String?

    @Option(help: "A folder for a loopback certificate; with it the port speaks TLS.")
    var tls: String?

    func run() async throws {
        let script = try readScenario()
        let certificate = try tls.map { try LoopbackCertificate(in: $0) }
        let (host, port) = (host, port)
        let engine = try CallEngine.start()
        let opened = try await engine.perform { engine in
            try ModelSimulator.listen(script, host: host, port: port, certificate: certificate, on: engine)
        }
        let scheme = certificate == nil ? "ws" : "wss"
        print("a simulated model listens on \(scheme)://\(host):\(opened)\(ModelSimulator.path)")
        if let certificate { print("OPENAI_CA_FILE=\(certificate.certificateFile)") }
        fflush(nil)
        var signals = await UnixSignalsSequence(trapping: .sigint, .sigterm).makeAsyncIterator()
        _ = await signals.next()
        await engine.stop()
    }

    private func readScenario() throws -> ModelScript {
        guard let scenario else { return ModelScript() }
        guard let data = FileManager.default.contents(atPath: scenario) else {
            throw ValidationError("--scenario \(scenario): cannot be read")
        }
        do {
            return try ModelScript(json: JSONValue(parsing: [UInt8](data)))
        } catch {
            throw ValidationError("--scenario \(scenario): \(error)")
        }
    }
}
