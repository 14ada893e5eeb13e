import CallPolicy
import RealtimeProtocol

/// Random settings and commands for simulated calls.
enum SimulatedConfiguration {
    static let tools = [
        ToolDefinition(
            name: "weather",
            description: "Tells the weather.",
            parameters: [
                "type": "object", "properties": ["city": ["type": "string"]], "required": ["city"],
                "additionalProperties": false,
            ],
            timeoutMilliseconds: 2_000,
            fillerAfterMilliseconds: 400
        ),
        ToolDefinition(name: "slow", description: "Is slow.", timeoutMilliseconds: 1_000),
    ]

    static let toolNames = ["weather", "weather", "slow", BuiltInTools.endCallName]

    static func make(_ chance: inout SimulatedChance) -> CallConfiguration {
        var configuration = CallConfiguration()
        switch chance.number(1...4) {
        case 1: configuration.greeting = .agentFirst(.exactly("Hello."))
        case 2: configuration.greeting = .agentAfter(milliseconds: 800, .instructions("Greet."))
        default: break
        }
        configuration.greetingIsInterruptible = chance.percent(60)
        configuration.callerMayInterrupt = chance.percent(92)
        let interrupts = chance.percent(75), creates = chance.percent(85)
        configuration.session.turnDetection = .serverVAD(createResponse: creates, interruptResponse: interrupts)
        if chance.percent(15) { configuration.session.transcription = nil }
        if chance.percent(30) { configuration.rotation.afterMilliseconds = chance.number(1_000...6_000) }
        if chance.percent(20) {
            let step = IdleLadder.Step(afterMilliseconds: 1_500, text: .exactly("Are you there?"))
            configuration.idle = IdleLadder(steps: [step, step], endAfterMilliseconds: 2_000)
        }
        if chance.percent(10) { configuration.limits.durationMilliseconds = chance.number(2_000...20_000) }
        if chance.percent(5) {
            configuration.limits.durationWarning = .init(beforeMilliseconds: 1_000, text: .exactly("One second left."))
        }
        if chance.percent(5) { configuration.limits.costMicrodollars = Int64(chance.number(1...20_000)) }
        if chance.percent(10) { configuration.limits.historyItems = chance.number(1...8) }
        configuration.tools.parallelLimit = chance.percent(20) ? 1 : 8
        configuration.goodbye.words = chance.one(of: [.model, .exactly("Bye."), .none])
        configuration.goodbye.callerMayCancel = chance.percent(70)
        configuration.reconnect.initialDelayMilliseconds = 200
        configuration.reconnect.outageBudgetMilliseconds = chance.percent(20) ? 1_500 : 30_000
        configuration.reconnect.dialTimeoutMilliseconds = 2_000
        configuration.responses.stallTimeoutMilliseconds = 6_000
        configuration.responses.createTimeoutMilliseconds = 3_000
        configuration.responses.serverResponseTimeoutMilliseconds = 2_000
        return configuration
    }

    static func command(_ chance: inout SimulatedChance) -> CallCommand {
        var update = SessionObject()
        update.instructions = "Be brief."
        return chance.one(of: [
            .say("A notice.", interruptible: false), .say("A word."), .instruct("A hint.", respond: true),
            .instruct("A hint."), .hangUp(.operator, .operatorHungUp), .endAfterGoodbye(.operator, .operatorHungUp),
            .interrupt, .muteAgent(true), .rotate, .updateSession(update),
        ])
    }
}
