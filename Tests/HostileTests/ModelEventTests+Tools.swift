import CallPolicy

/// Function calls that cannot be run, or are too many.
extension ModelSide.ModelEventTests {
    private static let badJSON = #"{\"error\":\"Invalid JSON arguments for function call\"}"#

    private static func refused(_ name: String, _ arguments: [String], _ answer: String, cut: Int = 0)
        -> ModelEventCase
    {
        ModelEventCase(
            name: name,
            texts: [ModelEventCase.created("r1")]
                + arguments.enumerated().map { ModelEventCase.call("c\($0)", "find", $1, in: "r1") } + [
                    ModelEventCase.done("r1")
                ],
            answers: arguments.indices.map { #""call_id":"c\#($0)","output":"\#(answer)"# } + [ModelEventCase.asks],
            counters: {
                $0.toolsRefused = arguments.count
                $0.textsCut = cut
            }
        )
    }

    static var tools: [ModelEventCase] {
        let names = ["nothing", "", String(repeating: "n", count: 10_240), "../x"]
        let item = ModelEventCase.callItem("c1", "find", #"{"key":"a"}"#)
        return [
            refused(
                "F14 arguments that are no object",
                [
                    "nonsense", "null", "[]", #"{"key":"#, #"{"key":"a","key":"b"}"#,
                    String(repeating: #"{"key":"#, count: 10_000),
                    #"{"key":""# + String(repeating: "x", count: 1 << 20) + #""}"#,
                ],
                badJSON,
                cut: 2
            ),
            refused(
                "F14 empty arguments",
                [""],
                #"{\"error\":\"Invalid arguments for function find: key is required"#
            ),
            ModelEventCase(
                name: "F15 functions that are not ours",
                texts: [ModelEventCase.created("r1")]
                    + names.enumerated().map { ModelEventCase.call("c\($0)", $1, in: "r1") } + [
                        ModelEventCase.done("r1")
                    ],
                answers: names.map { #"No handler found for function: \#($0.prefix(256))\"}"# } + [ModelEventCase.asks],
                counters: { $0.toolsRefused = 4 }
            ),
            ModelEventCase(
                name: "F16 and F24 one call, told five times",
                texts: [ModelEventCase.created("r1")]
                    + Array(repeating: ModelEventCase.call("c1", "find", #"{"key":"a"}"#, in: "r1"), count: 3)
                    + Array(repeating: ModelEventCase.done("r1", "completed", #","output":[\#(item)]"#), count: 2),
                answers: [#""call_id":"c1","output":"found a""#, ModelEventCase.asks],
                counters: {
                    $0.toolRuns = 1
                    $0.ignoredInputs = 1
                }
            ),
            ModelEventCase(
                name: "F17 arguments that never end",
                texts: [ModelEventCase.created("r1")]
                    + (0..<500).map {
                        #"{"type":"response.function_call_arguments.delta","response_id":"r1","item_id":"i1","#
                            + #""call_id":"c1","delta":"\#($0) \#(String(repeating: "x", count: 1_000))"}"#
                    } + [ModelEventCase.done("r1")]
            ),
            ModelEventCase(
                name: "F18 a hundred calls at once",
                texts: [ModelEventCase.created("r1")]
                    + (0..<100).map { ModelEventCase.call("c\($0)", "wait", in: "r1") } + [ModelEventCase.done("r1")],
                answers: [#""tool_choice":"none""#],
                counters: {
                    $0.toolRuns = 20
                    $0.toolsRefused = 80
                    $0.toolsOverLimit = 80
                }
            ),
        ]
    }
}
