import FoundationEssentials
import Glibc
import RealtimeProtocol

func logarithm(_ value: Double) -> Double { log10(value) }

/// The results as one HTML page with charts; it loads nothing.
struct Page {
    private let results: Results

    init(_ results: Results) { self.results = results }

    var text: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <title>Trunkline: \(results.headline.escaped)</title><style>\(Self.style)</style></head><body>
        <h1>bench-relay</h1>
        <p>\(results.headline.escaped). \(results.columns.first?.runs.count ?? 0) run(s) each, medians.\
         \(Date.now.formatted(.iso8601).escaped)</p>
        \(BenchRelay.debugNotice.map { "<p class=\"bad\">\($0.escaped)</p>" } ?? "")
        \(results.failures.map { "<p class=\"bad\">Failed: \($0.escaped)</p>" }.joined(separator: "\n"))
        \(table)
        \(results.coreLines.map { "<p>\($0.escaped)</p>" }.joined(separator: "\n"))
        \(charts.map(\.svg).joined(separator: "\n"))
        </body></html>

        """
    }

    private var table: String {
        let heads = results.columns.map { "<th>\($0.name.escaped)</th>" }.joined()
        let hasRatio = results.columns.contains { $0.name == "floor" }
        let rows = results.rows.map { row in
            let cells = row.values.map { "<td>\($0.hundredths)</td>" }.joined()
            let ratio = hasRatio ? "<td>\(results.ratio(row).map(\.hundredths) ?? "")</td>" : ""
            return "<tr><th>\(row.name.escaped)</th>\(cells)\(ratio)</tr>"
        }
        return "<table><thead><tr><th></th>\(heads)\(hasRatio ? "<th>ratio</th>" : "")</tr></thead><tbody>"
            + rows.joined(separator: "\n") + "</tbody></table>"
    }

    private var charts: [Chart] {
        func series(_ points: (Measurement) -> [(x: Double, y: Double)]) -> [Chart.Series] {
            results.columns.compactMap { column in
                column.runs.last.map { Chart.Series(name: column.name, points: points($0)) }
            }
        }
        return [
            Chart(
                title: "Added latency caller → model",
                xName: "µs",
                yName: "% of the frames that took longer",
                series: series { Self.longer($0.model) },
                isLogarithmic: true
            ),
            Chart(
                title: "Added latency model → caller",
                xName: "µs",
                yName: "% of the frames that took longer",
                series: series { Self.longer($0.callers) },
                isLogarithmic: true
            ),
            Chart(title: "CPU", xName: "s", yName: "% of a core", series: series(Self.cpu)),
            Chart(title: "Resident memory", xName: "s", yName: "MiB", series: series(Self.memory)),
        ]
    }

    /// For each latency the share of frames above it, in percent.
    private static func longer(_ report: JSONValue) -> [(x: Double, y: Double)] {
        let counts = (report["latency_counts"]?.arrayValue ?? []).compactMap { pair -> (Double, Double)? in
            guard let pair = pair.arrayValue, pair.count == 2, let at = pair[0].doubleValue,
                let count = pair[1].doubleValue
            else { return nil }
            return (at, count)
        }
        let total = counts.reduce(0) { $0 + $1.1 }
        var left = total
        return counts.map { at, count in
            defer { left -= count }
            return (at, left / total * 100)
        }
    }

    private static func cpu(_ run: Measurement) -> [(x: Double, y: Double)] {
        guard let start = run.samples.first?.at else { return [] }
        return zip(run.samples, run.samples.dropFirst()).map { before, now in
            (now.at - start, (now.cpuSeconds - before.cpuSeconds) / (now.at - before.at) * 100)
        }
    }

    private static func memory(_ run: Measurement) -> [(x: Double, y: Double)] {
        guard let start = run.samples.first?.at else { return [] }
        return run.samples.map { ($0.at - start, Double($0.residentBytes) / 1_048_576) }
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1b1f24;--quiet:#6a7280;--grid:#8884}
        @media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--quiet:#9aa3ad}}
        body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1rem}
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}
        th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid var(--grid)}
        tbody th{text-align:left;font-weight:400}
        figure{margin:2rem 0}figcaption{font-weight:600}small{font-weight:400;color:var(--quiet)}
        svg{width:100%;height:auto}text{font-size:11px;fill:var(--quiet)}
        .grid{stroke:var(--grid)}.line{fill:none;stroke-width:1.8;stroke:currentColor}
        .s0{color:#2f6fde}.s1{color:#d9822b}.s2{color:#3a9a5c}.s3{color:#b0457b}.s4{color:#6b5bd2}.s5{color:#888}
        .key{margin-right:1rem}.key::before{content:"";display:inline-block;width:1.4em;height:.2em;margin-right:.4em;
        vertical-align:middle;background:currentColor}.bad{color:#c62828;font-weight:600}
        """
}
