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
        let found: [String]
        do throws(SourceError) {
            found = try await source.columns(of: definition.dataset.relation).map(\.name)
        } catch {
            return [Self.failed("columns", error.message, error.hint)]
        }
        let named = shape.scanColumns
        let missing = named.filter { !found.contains($0) }
        guard missing.isEmpty else { return missing.map { missingColumn($0, among: found) } }
        let count = named.count == 1 ? "the one column" : "all \(named.count) columns"
        return [Step(step: "columns", isOK: true, message: "\(place) has \(count) that the sync names.")]
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
