import ArgumentParser
import CallServer
import Foundation

/// What the command line says of settings.
struct GivenSettings: ParsableArguments {
    @Option(help: "A file with the model's instructions (PROMPT_FILE).")
    var prompt: String?

    @Option(help: "A YAML or JSON file with settings, session and routing (CONFIG_FILE).")
    var config: String?

    @Option(name: .customLong("set"), help: "A setting, as NAME=value; may be repeated.")
    var settings: [String] = []

    func validate() throws {
        for setting in settings where !setting.dropFirst().contains("=") {
            throw ValidationError("--set \(setting): is not NAME=value")
        }
    }

    /// The settings; a wrong one ends the program before anything is opened.
    func read() -> Settings {
        do throws(Settings.Failure) {
            return try load()
        } catch {
            Standard.fail(error.problems, status: Standard.wrongConfiguration)
        }
    }

    /// The settings as everything that they are read from says now.
    func load() throws(Settings.Failure) -> Settings {
        let environment = ProcessInfo.processInfo.environment
        let settings = try Settings(SettingsSources.load(flags: flags, environment: environment))
        if let file = settings.authorityFile, !FileManager.default.isReadableFile(atPath: file) {
            throw Settings.Failure(problems: ["OPENAI_CA_FILE: \"\(file)\" cannot be read"])
        }
        return settings
    }

    private var flags: [String: String] {
        var flags: [String: String] = [:]
        for setting in settings {
            let name = setting.prefix { $0 != "=" }
            flags[name.uppercased()] = String(setting.dropFirst(name.count + 1))
        }
        flags["PROMPT_FILE"] = prompt ?? flags["PROMPT_FILE"]
        flags["CONFIG_FILE"] = config ?? flags["CONFIG_FILE"]
        return flags
    }
}

/// Standard error, and how a command fails.
enum Standard {
    /// sysexits(3): the configuration is wrong.
    static let wrongConfiguration: Int32 = 78

    static func error(_ line: String) { FileHandle.standardError.write(Data("\(line)\n".utf8)) }

    static func fail(_ problems: [String], status: Int32) -> Never {
        for problem in problems { error("trunkline: \(problem)") }
        Foundation.exit(status)
    }
}
