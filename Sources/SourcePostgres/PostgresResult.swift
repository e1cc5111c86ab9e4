internal import CPostgres

/// What the server said of one failed statement, or libpq of a broken connection.
struct ServerFailure: Error, Sendable, Hashable {
    /// Five characters; empty where the server did not get to say one.
    var sqlState: String
    var message: String
    var detail: String = ""
    var hint: String = ""
    /// The character of the statement that is at fault, counted from 1.
    var position: Int?
    var isConnectionLost = false
}

/// One result of libpq, freed when it goes out of sight.
@safe
struct PostgresResult: ~Copyable {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { unsafe self.handle = unsafe handle }

    deinit { unsafe PQclear(handle) }

    var status: ExecStatusType { unsafe PQresultStatus(handle) }
    var rowCount: Int { unsafe Int(PQntuples(handle)) }
    var fieldCount: Int { unsafe Int(PQnfields(handle)) }
    var parameterCount: Int { unsafe Int(PQnparams(handle)) }

    /// The rows a COPY says it sent.
    var commandRows: Int? { unsafe Int(String(cString: PQcmdTuples(handle))) }

    func fieldName(_ field: Int) -> String { unsafe String(cString: PQfname(handle, Int32(field))) }
    func fieldType(_ field: Int) -> UInt32 { unsafe PQftype(handle, Int32(field)) }
    func fieldModifier(_ field: Int) -> Int32 { unsafe PQfmod(handle, Int32(field)) }
    func fieldTable(_ field: Int) -> UInt32 { unsafe PQftable(handle, Int32(field)) }
    func fieldTableColumn(_ field: Int) -> Int { unsafe Int(PQftablecol(handle, Int32(field))) }

    /// One value of a result in text form.
    func text(_ row: Int, _ field: Int) -> String? {
        if unsafe PQgetisnull(handle, Int32(row), Int32(field)) == 1 { return nil }
        return unsafe String(cString: PQgetvalue(handle, Int32(row), Int32(field)))
    }

    /// All rows in text form; for answers of the catalog, which are small.
    func texts() -> [[String?]] {
        (0..<rowCount).map { row in (0..<fieldCount).map { text(row, $0) } }
    }

    func failure(isConnectionLost: Bool) -> ServerFailure {
        ServerFailure(
            sqlState: diagnostic("C"), message: diagnostic("M").isEmpty ? errorText : diagnostic("M"),
            detail: diagnostic("D"), hint: diagnostic("H"), position: Int(diagnostic("P")),
            isConnectionLost: isConnectionLost)
    }

    private var errorText: String {
        unsafe String(cString: PQresultErrorMessage(handle)).trimmingNewlines()
    }

    /// A field of the error, by the letter of the protocol (the `PG_DIAG_` constants).
    private func diagnostic(_ letter: Character) -> String {
        let code = Int32(letter.asciiValue ?? 0)
        guard let text = unsafe PQresultErrorField(handle, code) else { return "" }
        return unsafe String(cString: text)
    }
}

extension String {
    func trimmingNewlines() -> String {
        var text = Substring(self)
        while let last = text.last, last.isNewline || last == " " { text.removeLast() }
        return String(text)
    }
}
