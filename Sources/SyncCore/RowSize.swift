internal import Records

/// A row of more bytes than a destination takes in one: it could never arrive, so it is not sent.
enum RowSize {
    @inline(never)
    static func reason(bytes: Int, max: Int) -> Reason {
        Reason(
            code: "row_too_large",
            message: "The row has \(bytes) bytes as it would be sent; at most \(max) can be.",
            hint:
                "Shorten its longest texts in the source or in the dataset's SQL, or leave a column out of the mapping."
        )
    }
}
