internal import ConnectorKit
internal import ProjectConfig
internal import Records
internal import SyncCore

/// Proves that a sync fits its two ends: that its dataset delivers the columns it names, and that the account has the
/// fields they go to. Reads no rows and changes nothing.
struct CheckSync {
    private typealias Step = ConnectionReport.Step

    let definition: SyncDefinition
    let source: any Source & Discoverable
    let destination: any ConnectedDestination
    let object: DestinationObject

    func report() async -> ConnectionReport {
        let shape = SyncShape(definition, object: object)
        var report = ConnectionReport(address: "", steps: await columnSteps(shape))
        await checkFields(shape, into: &report)
        return report
    }

    // MARK: Columns

    private func columnSteps(_ shape: SyncShape) async -> [Step] {
        let columns: [Column]
        do throws(SourceError) {
            columns = try await source.columns(of: definition.dataset.relation)
        } catch {
            return [Self.failed("columns", error.message, error.hint)]
        }
        var named = shape.scanColumns
        if let growing = definition.dataset.incremental?.column, !named.contains(growing) { named.append(growing) }
        let found = columns.map(\.name)
        let missing = named.filter { !found.contains($0) }
        guard missing.isEmpty else { return missing.map { missingColumn($0, among: found) } }
        if let step = growingColumn(among: columns) { return [step] }
        let count = named.count == 1 ? "the one column" : "all \(named.count) columns"
        return [Step(step: "columns", isOK: true, message: "\(place) has \(count) that the sync names.")]
    }

    /// What is wrong with the column by which new rows are known, where its type alone says so.
    private func growingColumn(among columns: [Column]) -> Step? {
        guard let rule = definition.dataset.incremental, let column = columns.first(where: { $0.name == rule.column })
        else { return nil }
        let hint: String
        switch (column.type, rule.overlap) {
        case (let type, _) where NewestValue.isFixed(type):
            hint = "Name a column of times, dates or whole numbers that grows with every change."
        case (.integer, .seconds(1...)), (.decimal, .seconds(1...)):
            hint = "Write overlap as a whole number of the column's own unit: 600."
        // A column of SQLite that is declared as a time may hold numbers: what there is, the run sees.
        default: return nil
        }
        let type = NewestValue.typeText(column)
        return Self.failed(
            "columns", "Column \(rule.column) has the type \(type), which does not suit incremental as it is.", hint)
    }

    private func missingColumn(_ name: String, among found: [String]) -> Step {
        let near = NearestName.among(found, to: name).map { "Did you mean \($0)? " } ?? ""
        let listed = found.prefix(20).joined(separator: ", ") + (found.count > 20 ? ", …" : "")
        return Self.failed("columns", "\(place) has no column \(name).", near + "It has \(listed).")
    }

    private var place: String {
        guard case .table = definition.dataset.relation else { return "The dataset's query" }
        return definition.dataset.relation.text
    }

    // MARK: Fields

    private func checkFields(_ declared: SyncShape, into report: inout ConnectionReport) async {
        var shape = declared
        let own = definition.mappings.filter { object.field($0.field) == nil }
        if !own.isEmpty {
            do throws(DestinationError) {
                shape.discovered = try await destination.discoveredFields(of: object)
            } catch  where error.code == "forbidden" {
                report.warnings.append(Self.notListed(error, own.count))
                report.steps.append(Step(step: "fields", isOK: true, message: "may not be listed"))
                return
            } catch {
                report.steps.append(Self.failed("fields", error.message, error.hint))
                return
            }
        }
        let problems = own.compactMap { PreparedSync.problem(with: $0, in: shape, definition) }
        report.steps += problems.map { Self.failed("fields", $0.placeText + $0.message, $0.hint) }
        if problems.isEmpty {
            report.steps.append(Step(step: "fields", isOK: true, message: passed(own, shape)))
        }
    }

    private func passed(_ own: [MappingDefinition], _ shape: SyncShape) -> String {
        let unknown = own.filter { shape.field($0.field) == nil }.map(\.field)
        if !unknown.isEmpty {
            return "allow_unknown_custom lets through what the account does not have: "
                + unknown.joined(separator: ", ")
        }
        let mapped = definition.mappings.count
        let count = mapped == 1 ? "the one mapped field is there" : "all \(mapped) mapped fields are there"
        return own.isEmpty ? count : count + ", \(own.count) of them of the account's own making"
    }

    private static func notListed(_ error: DestinationError, _ count: Int) -> Reason {
        let fields = count == 1 ? "one mapped field is" : "\(count) mapped fields are"
        return Reason(
            code: error.code, message: "The account's own fields may not be listed: \(fields) taken as written.",
            hint: error.hint)
    }

    private static func failed(_ step: String, _ message: String, _ hint: String) -> Step {
        Step(step: step, isOK: false, message: message, hint: hint)
    }
}
