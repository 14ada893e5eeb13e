import CallPolicy

/// What a reload changes.
public struct SettingsReload: Sendable {
    /// Settings that new calls have from now on, by name.
    public let newCalls: [String]
    /// Settings that were changed and stay as they were until the server is started anew, by name.
    public let needRestart: [String]
    /// What is in force now: the old settings with what new calls may have of the new ones.
    public let settings: Settings

    /// Compares the settings in force with those that were read anew.
    public static func reload(_ old: Settings, _ new: Settings) -> SettingsReload {
        var newCalls: [String] = []
        var needRestart: [String] = []
        for (before, after) in zip(old.effective, new.effective) where before.identity != after.identity {
            switch after.effect {
            case .newCalls: newCalls.append(after.name)
            case .restart: needRestart.append(after.name)
            }
        }
        // Files whose name stayed and whose content did not.
        let contents: [(String, Bool)] = [
            ("PROMPT_FILE", old.call.session.instructions != new.call.session.instructions),
            ("TOOLS_FILE", old.httpTools.map(\.definition) != new.httpTools.map(\.definition)),
            ("TWIML_FILE", old.template != new.template),
            ("CONFIG_FILE", old.routing != new.routing || old.call.prices != new.call.prices),
        ]
        for (name, isChanged) in contents where isChanged && !newCalls.contains(name) { newCalls.append(name) }
        return SettingsReload(newCalls: newCalls, needRestart: needRestart, settings: merged(old, new))
    }

    private static func merged(_ old: Settings, _ new: Settings) -> Settings {
        var result = old
        result.call = new.call
        result.call.session.model = old.call.session.model
        result.routing = new.routing
        result.tools = new.tools
        result.caps = new.caps
        let (server, number) = (old.carrier.server, old.carrier.number)
        result.carrier = new.carrier
        (result.carrier.server, result.carrier.number) = (server, number)
        result.texts = new.texts
        result.template = new.template
        result.toolsFile = new.toolsFile
        result.httpTools = new.httpTools
        result.serverSecrets = new.serverSecrets
        result.notes = new.notes
        for (before, after) in zip(old.effective, new.effective) where after.effect == .newCalls {
            result.places[before.name] = after.place
        }
        return result
    }
}
