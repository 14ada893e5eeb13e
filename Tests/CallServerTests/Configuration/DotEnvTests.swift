import CallServer
import Testing

/// `.env` files as python-dotenv reads them; the expected values were taken from python-dotenv 1.2.
@Suite struct DotEnvTests {
    @Test(arguments: [
        ("A=1", ["A": "1"]),
        ("A = 1 ", ["A": "1"]),
        ("export A=1", ["A": "1"]),
        ("export\tA=1", ["A": "1"]),
        ("A=", ["A": ""]),
        ("A", [:]),
        ("# A=1", [:]),
        ("A=1 # words", ["A": "1"]),
        ("A=1# words", ["A": "1# words"]),
        ("A=#b", ["A": "#b"]),
        ("A=b c", ["A": "b c"]),
        ("A='b c'", ["A": "b c"]),
        ("A='b c' # words", ["A": "b c"]),
        ("A=\"b\\nc\"", ["A": "b\nc"]),
        ("A='b\\nc'", ["A": "b\\nc"]),
        ("A='it\\'s'", ["A": "it's"]),
        ("A=\"say \\\"hi\\\"\"", ["A": "say \"hi\""]),
        ("A=\"two\nlines\"\nB=2", ["A": "two\nlines", "B": "2"]),
        ("'A b'=1", ["A b": "1"]),
        ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]),
        ("A=1\nA=2", ["A": "2"]),
        ("A=1\nB=${A}2", ["A": "1", "B": "12"]),
        ("B=${MISSING}x", ["B": "x"]),
        ("B=${MISSING:-default}", ["B": "default"]),
        ("B='${HOME_DIR}/x'", ["B": "/home/x"]),
        ("A=1\nB=$A", ["A": "1", "B": "$A"]),
        ("  A=1", ["A": "1"]),
        ("A=ü", ["A": "ü"]),
    ])
    func readsAsPythonDoes(text: String, expected: [String: String]) {
        let result = DotEnv.parse(text, environment: ["HOME_DIR": "/home"])
        #expect(result.values == expected)
        #expect(result.problems.isEmpty)
    }

    @Test func tellsWhichLineWasIgnored() {
        let result = DotEnv.parse("A=1\nB='open\nC=3\n=4\n")
        #expect(result.values == ["A": "1", "C": "3"])
        #expect(result.problems.map(\.line) == [2, 4])
    }
}
