/// Comparison of secrets.
public enum ConstantTime {
    /// Whether two texts are the same bytes. How long it takes tells their lengths and nothing else.
    public static func isEqual(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0 as UInt8) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
