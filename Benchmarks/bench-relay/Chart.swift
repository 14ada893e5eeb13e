/// A line chart as SVG: axes, a grid, one line for each series.
struct Chart {
    /// One line of a chart.
    struct Series {
        let name: String
        /// In order of x.
        let points: [(x: Double, y: Double)]
    }

    let title: String
    let xName: String
    let yName: String
    let series: [Series]
    /// Powers of ten on the x axis.
    var isLogarithmic = false

    private static let width = 640.0
    private static let height = 280.0
    private static let left = 62.0
    private static let right = 12.0
    private static let top = 14.0
    private static let bottom = 42.0

    var svg: String {
        let all = series.flatMap(\.points)
        guard let first = all.first else { return "<p>\(title.escaped): nothing was measured.</p>" }
        let lowX = isLogarithmic ? 1 : all.map(\.x).reduce(first.x, min)
        let highX = max(all.map(\.x).reduce(first.x, max), lowX * 1.001 + 0.001)
        let highY = Self.rounded(all.map(\.y).reduce(0, max))
        func x(_ value: Double) -> Double {
            let share =
                isLogarithmic
                ? logarithm(max(value, 1)) / max(logarithm(highX), 1e-9) : (value - lowX) / (highX - lowX)
            return Self.left + share * (Self.width - Self.left - Self.right)
        }
        func y(_ value: Double) -> Double {
            Self.height - Self.bottom - value / highY * (Self.height - Self.top - Self.bottom)
        }
        var parts = [
            #"<svg viewBox="0 0 \#(Int(Self.width)) \#(Int(Self.height))" role="img" aria-label="\#(title.escaped)">"#
        ]
        for step in 0...4 {
            let value = highY * Double(step) / 4
            parts.append(line(Self.left, y(value), Self.width - Self.right, y(value), "grid"))
            parts.append(text(Self.left - 6, y(value) + 4, value.short, "end"))
        }
        for value in isLogarithmic ? Self.powersOfTen(highX) : (0...4).map({ lowX + (highX - lowX) * Double($0) / 4 }) {
            parts.append(line(x(value), Self.top, x(value), Self.height - Self.bottom, "grid"))
            parts.append(text(x(value), Self.height - Self.bottom + 16, value.short, "middle"))
        }
        parts.append(text((Self.left + Self.width) / 2, Self.height - 6, xName, "middle"))
        for (index, one) in series.enumerated() {
            let path = one.points.map { "\(x($0.x).short2),\(y($0.y).short2)" }.joined(separator: " ")
            parts.append(#"<polyline class="line s\#(index % 6)" points="\#(path)"/>"#)
        }
        parts.append("</svg>")
        let legend = series.enumerated().map { index, one in
            #"<span class="key s\#(index % 6)">\#(one.name.escaped)</span>"#
        }
        return "<figure><figcaption>\(title.escaped) <small>\(yName.escaped)</small></figcaption>"
            + parts.joined(separator: "\n") + "<div class=\"legend\">\(legend.joined())</div></figure>"
    }

    private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> String {
        #"<line class="\#(kind)" x1="\#(x1.short2)" y1="\#(y1.short2)" x2="\#(x2.short2)" y2="\#(y2.short2)"/>"#
    }

    private func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
        #"<text x="\#(x.short2)" y="\#(y.short2)" text-anchor="\#(anchor)">\#(text.escaped)</text>"#
    }

    /// The next of 1, 2, 4, 5, 8, 10 times a power of ten.
    private static func rounded(_ value: Double) -> Double {
        guard value > 0 else { return 1 }
        var unit = 1.0
        while unit * 10 <= value { unit *= 10 }
        while unit > value { unit /= 10 }
        return [1, 2, 4, 5, 8, 10].map { $0 * unit }.first { $0 >= value } ?? value
    }

    private static func powersOfTen(_ high: Double) -> [Double] {
        var powers = [1.0]
        while let last = powers.last, last * 10 <= high { powers.append(last * 10) }
        return powers
    }
}

extension Double {
    /// For an axis.
    fileprivate var short: String {
        if self >= 1_000_000 { return "\((self / 1_000_000).hundredths.withoutZeros)M" }
        if self >= 10_000 { return "\((self / 1_000).hundredths.withoutZeros)k" }
        return hundredths.withoutZeros
    }

    /// A coordinate.
    fileprivate var short2: String { hundredths.withoutZeros }
}

extension String {
    fileprivate var withoutZeros: String {
        guard contains(".") else { return self }
        var text = self
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// As HTML text.
    var escaped: String {
        var text = ""
        for character in self {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            default: text.append(character)
            }
        }
        return text
    }
}
