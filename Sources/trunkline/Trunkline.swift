import ArgumentParser

/// The command line.
@main
struct Trunkline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trunkline",
        abstract: "Bridges telephone calls to realtime voice models.",
        version: trunklineVersion,
        subcommands: [
            Serve.self, DemoCommand.self, SelfTestCommand.self, PhoneCommand.self, ModelCommand.self, Config.self,
            Doctor.self,
        ],
        defaultSubcommand: nil
    )
}

/// The version of this build.
let trunklineVersion = "0.1.0"
