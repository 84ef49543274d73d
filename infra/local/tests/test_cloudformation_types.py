import json

from emulator_process import Emulator


def test_saved_queries_rulesets_and_budgets_deploy(emulator: Emulator, name: str) -> None:
    template = {
        "Resources": {
            "Query": {
                "Type": "AWS::Athena::NamedQuery",
                "Properties": {
                    "Name": f"{name}-query",
                    "Database": "default",
                    "QueryString": "SELECT 1",
                },
            },
            "Rules": {
                "Type": "AWS::Glue::DataQualityRuleset",
                "Properties": {"Name": f"{name}-rules", "Ruleset": "Rules = [ RowCount > 0 ]"},
            },
            "Budget": {
                "Type": "AWS::Budgets::Budget",
                "Properties": {"Budget": {"BudgetType": "COST", "TimeUnit": "MONTHLY"}},
            },
        },
        "Outputs": {"QueryId": {"Value": {"Ref": "Query"}}},
    }
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )

    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    query_id = stack["Outputs"][0]["OutputValue"]
    query = emulator.client("athena").get_named_query(NamedQueryId=query_id)["NamedQuery"]
    assert (query["Name"], query["QueryString"]) == (f"{name}-query", "SELECT 1")

    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
