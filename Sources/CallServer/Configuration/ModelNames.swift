/// Models that are gone, and what takes their place.
enum ModelNames {
    /// Beginnings of names; dated versions have them, too. The longest fits first.
    private static let retired = [
        ("gpt-4o-mini-realtime-preview", "gpt-realtime-2.1-mini"),
        ("gpt-4o-realtime-preview", "gpt-realtime-2.1"),
    ]

    /// The model that takes the place of one that is gone; nil when it is not known to be gone.
    static func replacement(of name: String) -> String? {
        retired.first { name == $0.0 || name.hasPrefix($0.0 + "-") }?.1
    }
}
