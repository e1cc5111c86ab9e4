internal import ConnectorKit

/// Says which grants a role lacks, in the words in which the owner has to give them.
struct MissingGrants {
    /// What is missing to read these tables as `role`, schemas first; empty where nothing is.
    static func statements(_ relations: [SourceCatalog.Relation], role: String) -> [String] {
        let to = SQLText.shown(role)
        var schemas: [String] = []
        for relation in relations where !relation.mayUseSchema && !schemas.contains(relation.schema) {
            schemas.append(relation.schema)
        }
        let usage = schemas.map { "grant usage on schema \(SQLText.shown($0)) to \(to)" }
        let select = relations.filter { !$0.maySelect }.map { "grant select on \($0.shown) to \(to)" }
        return usage + select
    }

    static func error(_ relations: [SourceCatalog.Relation], role: String) -> ConnectorError {
        let grants = statements(relations, role: role)
        let names = relations.map(\.shown).joined(separator: ", ")
        return ConnectorError(
            code: "permission_denied",
            message: "The role \(role) may not read \(names). Missing: \(grants.joined(separator: "; ")).",
            hint: "Have the owner run: " + grants.map { $0 + ";" }.joined(separator: " "),
            disposition: .fixConfiguration)
    }

    /// The relations that a statement names and the role may not read. The server's message names only the first
    /// and may be translated, so the names of the statement are held against the catalog instead.
    static func namedIn(_ sql: String, catalog: SourceCatalog) throws -> [SourceCatalog.Relation] {
        let names = SQLText.names(in: sql)
        let path = Set(try catalog.connection.query("select unnest(current_schemas(true))").compactMap { $0[0] })
        return try catalog.userRelations().filter { relation in
            (!relation.mayUseSchema || !relation.maySelect) && names.contains(relation.name)
                && (names.contains(relation.schema) || path.contains(relation.schema))
        }
    }
}
