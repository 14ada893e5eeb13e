import CallPolicy
import RealtimeProtocol

/// Prices out of the section `prices` of the file: dollars for a million tokens, by model.
///
///     prices:
///       gpt-realtime-2.1: {text_input: 4, text_cached: 0.4, text_output: 24, audio_input: 32, audio_cached: 0.4, audio_output: 64}
enum PriceSettings {
    static let modelsMaximum = 100
    private static let names = [
        "text_input", "text_cached", "text_output", "audio_input", "audio_cached", "audio_output",
    ]

    /// Puts the prices of a section over those of a table.
    static func apply(_ section: JSONValue?, to table: inout PriceTable, _ reader: inout SettingsReader) {
        guard let section, !section.isNull else { return }
        guard let models = section.objectValue?.members, models.count <= modelsMaximum else {
            reader.problems.append("prices: is no object of at most \(modelsMaximum) models")
            return
        }
        for model in models {
            let given = model.value.objectValue?.members ?? []
            var prices: [String: Int64] = [:]
            for member in given {
                guard names.contains(member.key), let price = member.value.doubleValue, (0...100_000).contains(price)
                else {
                    reader.problems.append(
                        "prices: \(model.key): \(member.key) is not one of \(names.joined(separator: ", ")) with dollars from 0 to 100000"
                    )
                    continue
                }
                prices[member.key] = Int64(price * 1_000_000)
            }
            guard prices.count == names.count else {
                let missing = names.filter { prices[$0] == nil }
                reader.problems.append("prices: \(model.key): \(missing.joined(separator: ", ")) is missing")
                continue
            }
            table.models[model.key] = ModelPrice(
                textInput: prices[names[0]]!,
                textCached: prices[names[1]]!,
                textOutput: prices[names[2]]!,
                audioInput: prices[names[3]]!,
                audioCached: prices[names[4]]!,
                audioOutput: prices[names[5]]!
            )
        }
    }
}
