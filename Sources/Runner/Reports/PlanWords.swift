internal import Records

extension PlanSync.Report {
    /// What a run would do: `send 2 records and remove 3`.
    package var promise: String {
        let records = Wording.counted(operations.planned, "record")
        if removesRows { return "remove \(records)" }
        let removals = operations.removals
        return "send \(records)" + (removals > 0 ? " and remove \(Wording.grouped(removals))" : "")
    }

    /// How many records would be sent because they are new, because they changed, and how many would be removed.
    package var kinds: (new: Int, changed: Int, removed: Int) {
        if removesRows { return (0, 0, operations.planned) }
        return (added, operations.planned - added, operations.removals)
    }
}
