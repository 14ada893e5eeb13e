import ArgumentParser
import CallServer

/// Prints the settings that `serve` would use here.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the settings in force, secrets hidden, and where each comes from.",
        discussion: "A setting is looked for on the command line, in the environment, in .env, and in CONFIG_FILE."
    )

    @OptionGroup var given: GivenSettings

    func run() throws {
        let settings = given.read()
        for note in settings.notes { Standard.error("trunkline: \(note)") }
        for setting in settings.effective { print(setting.line) }
        for rule in settings.routing.rules { print("# routing: \(rule.name)") }
    }
}
