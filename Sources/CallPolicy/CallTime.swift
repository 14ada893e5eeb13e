/// A moment on a monotonic clock, in milliseconds. Where zero lies does not matter.
public struct CallTime: Sendable, Hashable, Comparable {
    /// Milliseconds since some fixed moment.
    public var milliseconds: Int64

    /// A moment.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// Earlier before later.
    public static func < (left: CallTime, right: CallTime) -> Bool { left.milliseconds < right.milliseconds }

    /// The moment so many milliseconds later; the far future when that is beyond the clock.
    public static func + (moment: CallTime, milliseconds: Int) -> CallTime {
        let (sum, overflow) = moment.milliseconds.addingReportingOverflow(Int64(milliseconds))
        return CallTime(milliseconds: overflow ? .max : sum)
    }

    /// Milliseconds from the right moment to the left one.
    public static func - (left: CallTime, right: CallTime) -> Int {
        Int(left.milliseconds.subtractingReportingOverflow(right.milliseconds).partialValue)
    }
}
