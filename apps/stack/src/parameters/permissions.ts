import type { SociIndexBuilder } from '@soci/construct';
import { CfnCondition, Fn, type Stack } from 'aws-cdk-lib';
import type { CfnPolicy, CfnRole } from 'aws-cdk-lib/aws-iam';
import { onlyIf, resourcesOf } from './parameter-group.ts';

interface Statement {
  readonly Action: string | readonly string[];
}

/**
 * Adds conditions to the permissions that optional settings need. The construct has them in the default policies of the roles.
 * They become inline policies of the roles, because the functions must not be created before these permissions, and a resource
 * cannot depend on a policy with a condition.
 *
 * @param conditions - Conditions by IAM action.
 */
export function applyPermissions(
  stack: Stack,
  builder: SociIndexBuilder,
  conditions: Readonly<Record<string, CfnCondition>>,
): void {
  for (const role of resourcesOf<CfnRole>(builder, 'AWS::IAM::Role')) {
    const owner = role.node.scope;
    const policy = owner?.node.tryFindChild('DefaultPolicy')?.node.defaultChild as CfnPolicy | undefined;
    if (owner === undefined || policy === undefined) continue;
    const { Statement, ...document } = stack.resolve(policy.policyDocument) as { readonly Statement: Statement[] };
    const needed = Statement.map(({ Action }) => conditionsOf(Action, conditions));
    const any = anyOf(stack, `Has${owner.node.id}Options`, new Set(needed.flatMap(([each]) => each ?? [])));
    const statements = Statement.map((statement, i) =>
      (needed[i] ?? []).reduce<unknown>((inner, each) => (each === any ? inner : onlyIf(each, inner)), statement),
    );
    owner.node.tryRemoveChild('DefaultPolicy');
    role.policies = onlyIf(any, [{ PolicyName: 'Options', PolicyDocument: { Statement: statements, ...document } }]);
  }
}

/** Returns the conditions of the actions of a statement. All of them must hold. @throws Error if it has no condition. */
function conditionsOf(
  Action: Statement['Action'],
  conditions: Readonly<Record<string, CfnCondition>>,
): readonly CfnCondition[] {
  const actions = typeof Action === 'string' ? [Action] : Action;
  const found = actions.flatMap((action) => conditions[action] ?? []);
  if (found.length === 0) throw new Error(`no parameter has a condition for ${actions.join(', ')}`);
  return found;
}

function anyOf(stack: Stack, id: string, conditions: ReadonlySet<CfnCondition>): CfnCondition {
  const [first, ...others] = conditions;
  if (first === undefined || others.length > 0) {
    return new CfnCondition(stack, id, { expression: Fn.conditionOr(...conditions) });
  }
  return first;
}
