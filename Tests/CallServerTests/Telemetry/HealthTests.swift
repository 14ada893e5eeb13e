import CallServer
import RealtimeProtocol
import Testing

/// The health page: thresholds, shape, and what is kept of errors.
@Suite struct HealthTests {
    static func samples(_ change: (inout HealthSamples) -> Void) -> HealthSamples {
        var samples = HealthSamples()
        samples.callsMaximum = 100
        samples.milliseconds = 1_795_000_000_123
        change(&samples)
        return samples
    }

    @Test(arguments: [
        (samples { _ in }, HealthStatus.healthy), (samples { $0.cpuPercent = 80 }, .healthy),
        (samples { $0.cpuPercent = 80.1 }, .warning), (samples { $0.cpuPercent = 100 }, .warning),
        (samples { $0.memoryPercent = 85 }, .healthy), (samples { $0.memoryPercent = 86 }, .warning),
        (samples { $0.memoryPercent = 95.5 }, .critical), (samples { $0.diskPercent = 91 }, .warning),
        (samples { $0.diskPercent = 96 }, .critical), (samples { $0.callsOpen = 80 }, .healthy),
        (samples { $0.callsOpen = 81 }, .warning), (samples { $0.callsOpen = 100 }, .critical),
        (
            samples {
                $0.modelDials = 10; $0.modelDialsFailed = 1
            }, .healthy
        ),
        (
            samples {
                $0.modelDials = 10; $0.modelDialsFailed = 2
            }, .warning
        ),
        (
            samples {
                $0.modelDials = 10; $0.modelDialsFailed = 6
            }, .critical
        ),
        (
            samples {
                $0.cpuPercent = 90; $0.diskPercent = 99
            }, .critical
        ),
    ])
    func theWorstCounts(samples: HealthSamples, status: HealthStatus) {
        let report = HealthReport(samples, errors: ErrorRing())
        #expect(report.status == status)
        #expect(report.httpStatus == (status == .critical ? 503 : 200))
        #expect(report.json(withDetails: true)["status"]?.stringValue == status.rawValue)
    }

    @Test func hasTheShapeThatMonitorsKnow() {
        let samples = Self.samples {
            $0.cpuPercent = 12.34
            $0.memoryPercent = 40
            $0.diskPercent = 50
            $0.memoryAvailableBytes = 3 << 30
            $0.callsOpen = 2
            $0.usesParrot = true
        }
        let json = HealthReport(samples, errors: ErrorRing()).json(withDetails: true)
        #expect(json.objectValue?.keys == ["status", "timestamp", "services", "errors"])
        #expect(json["timestamp"] == "2026-11-18T11:06:40.123Z")
        let services = json["services"]?.arrayValue ?? []
        #expect(services.map { $0["service"] } == ["system", "websocket", "openai"])
        #expect(services.allSatisfy { $0.objectValue?.keys == ["service", "status", "message", "details"] })
        #expect(
            services.first?["details"] == [
                "cpu_percent": 12.3, "memory_percent": 40.0, "disk_percent": 50.0, "memory_available_gb": 3.0,
            ]
        )
        #expect(json["errors"] == ["total_errors": 0, "error_counts": [:], "recent_errors": []])
    }

    @Test func recordsInTroubleAreAWarning() {
        let report = HealthReport(Self.samples { $0.recordsTrouble = "recordings are not whole" }, errors: ErrorRing())
        #expect(report.status == .warning && report.httpStatus == 200)
        let told = report.json(withDetails: false)["services"]?.arrayValue?.last
        #expect(told?["service"] == "records" && told?["message"] == "recordings are not whole")
    }

    @Test func errorsAreKeptAndCounted() {
        var ring = ErrorRing()
        for number in 1...250 {
            let entry = ErrorRing.Entry(
                type: "T\(number % 2)",
                context: "model",
                message: "m\(number)",
                milliseconds: Int64(number)
            )
            ring.add(entry)
            #expect(ring.kept.count == min(number, 100))
            #expect(ring.kept.last == entry)
        }
        #expect(ring.total == 250)
        #expect(ring.kept.map(\.message) == (151...250).map { "m\($0)" })
        #expect(ring.json["error_counts"] == ["T0:model": 125, "T1:model": 125])
        let recent = ring.json["recent_errors"]?.arrayValue ?? []
        #expect(recent.map { $0["message"]?.stringValue } == (246...250).map { "m\($0)" })
    }

    @Test func kindsAndMessagesAreBounded() {
        var ring = ErrorRing()
        for number in 0..<300 {
            ring.add(
                .init(type: "T\(number)", context: "c", message: String(repeating: "x", count: 5_000), milliseconds: 0)
            )
        }
        #expect(ring.json["error_counts"]?.objectValue?.members.count == 101)
        #expect(ring.json["error_counts"]?["other"] == 200)
        #expect(ring.kept.allSatisfy { $0.message.utf8.count <= ErrorRing.messageBytes })
    }

    @Test func theSystemIsReadAsItTells() {
        let memory = "MemTotal:        1000 kB\nMemFree: 10 kB\nMemAvailable:     250 kB\n"
        let earlier = SystemSample(stat: "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1", memory: memory)
        let later = SystemSample(stat: "cpu  160 0 110 720 110 0 0 0 80 0\ncpu0 1", memory: memory, diskPercent: 42)
        var samples = HealthSamples()
        later.fill(&samples, since: earlier)
        #expect(samples.cpuPercent == 70)
        #expect(samples.memoryPercent == 75)
        #expect(samples.memoryAvailableBytes == 250 * 1_024)
        #expect(samples.diskPercent == 42)
        // Nothing moved, or the text is none.
        later.fill(&samples, since: later)
        #expect(samples.cpuPercent == 0)
        #expect(SystemSample(stat: "", memory: "x").memoryTotal == 0)
        let now = SystemSample.now()
        #expect(now.cpuTotal > 0)
        #expect(now.memoryTotal > now.memoryAvailable)
        #expect((0...100).contains(now.diskPercent))
    }
}
