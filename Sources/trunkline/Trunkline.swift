import ArgumentParser
import CallServer

/// The command line.
@main
struct Trunkline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trunkline",
        abstract: "Bridges telephone calls to realtime voice models.",
        version: Server.version,
        subcommands: [
            Serve.self, DemoCommand.self, SelfTestCommand.self, PhoneCommand.self, ModelCommand.self, Config.self,
            Doctor.self,
        ],
        defaultSubcommand: nil
    )
}
