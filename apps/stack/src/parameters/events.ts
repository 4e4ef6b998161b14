import type { SociIndexBuilder } from '@soci/construct';
import { CfnCondition, CfnOutput, CfnParameter, CfnRule, Fn, type Stack } from 'aws-cdk-lib';
import type { CfnRule as CfnEventRule } from 'aws-cdk-lib/aws-events';
import { onlyIf, type ParameterGroup, resourcesOf, whenEquals } from './parameter-group.ts';

/** Creates the parameters that select the events of Amazon ECR. */
export function eventParameters(stack: Stack): ParameterGroup {
  const flag = (id: string, description: string) =>
    new CfnParameter(stack, id, { default: 'false', allowedValues: ['false', 'true'], description });
  const untagged = flag(
    'UntaggedImages',
    'true: also index images that are pushed without a tag. Needs V1, or a SociOutputTag without {tag}.',
  );
  const replicated = flag(
    'ReplicatedImages',
    'true: also index images that are replicated from another Region or account. Keep false if their indexes are replicated with them.',
  );
  const cached = flag('CachedImages', 'true: also index images that are pulled through a cache.');
  const members = new CfnParameter(stack, 'MemberAccounts', {
    type: 'CommaDelimitedList',
    default: '',
    allowedPattern: '^([0-9]{12})?$',
    constraintDescription: 'Must be account ids of 12 digits, separated by commas, or empty.',
    description:
      'Comma-separated ids of further accounts whose images are indexed. They forward their events to the default event bus of this account, and their repositories need the policy in the output MemberRepositoryPolicy.',
  });
  new CfnRule(stack, 'UntaggedImagesNeedNoTag', {
    ruleCondition: Fn.conditionEquals(untagged.valueAsString, 'true'),
    assertions: [
      {
        assert: Fn.conditionOr(
          Fn.conditionEquals(Fn.ref('SociIndexVersion'), 'V1'),
          Fn.conditionNot(Fn.conditionEquals(Fn.ref('SociOutputTag'), '{tag}-soci')),
        ),
        assertDescription: 'Untagged images have no {tag}: set SociOutputTag to a text with {digest12}, or to none.',
      },
    ],
  });
  return {
    label: 'Events of Amazon ECR',
    parameters: [
      [untagged, 'Index untagged images'],
      [replicated, 'Index replicated images'],
      [cached, 'Index images pulled through a cache'],
      [members, 'Member accounts (optional)'],
    ],
    // The rule of the construct then has the patterns of all kinds.
    props: { replicatedImages: true, cachedImages: true, memberAccounts: members.valueAsList },
    apply(builder) {
      const isReplicated = whenEquals(stack, 'IndexesReplicatedImages', replicated, 'true');
      const isCached = whenEquals(stack, 'IndexesCachedImages', cached, 'true');
      const kinds = ['push', whenTrue(isReplicated, ',replication'), whenTrue(isCached, ',pull-through-cache')];
      for (const each of [builder.filterFunction, builder.generatorFunction]) {
        each.addEnvironment('soci_event_kinds', Fn.join('', kinds));
      }
      applyMembers(stack, builder, members);
      builder.filterFunction.addEnvironment('soci_index_untagged', untagged.valueAsString);
      applyPattern(
        stack,
        builder,
        isReplicated,
        isCached,
        whenEquals(stack, 'IndexesUntaggedImages', untagged, 'true'),
      );
    },
  };
}

function whenTrue({ logicalId }: CfnCondition, text: string): string {
  return Fn.conditionIf(logicalId, text, '').toString();
}

/** Passes the member accounts to the functions, if there are any, and outputs the policy of their repositories. */
function applyMembers(stack: Stack, builder: SociIndexBuilder, { valueAsList }: CfnParameter): void {
  const accounts = Fn.join(',', valueAsList);
  const hasMembers = new CfnCondition(stack, 'HasMemberAccounts', {
    expression: Fn.conditionNot(Fn.conditionEquals(accounts, '')),
  });
  const value = onlyIf(hasMembers, accounts).toString();
  for (const each of [builder.filterFunction, builder.generatorFunction]) {
    each.addEnvironment('soci_member_accounts', value);
  }
  const [names] = resourcesOf(builder, 'Custom::SociRepositoryNames');
  names?.addPropertyOverride('memberAccounts', value);
  new CfnOutput(stack, 'MemberRepositoryPolicy', {
    description: 'Policy that the repositories of member accounts need.',
    value: stack.toJsonString(builder.memberRepositoryPolicy()),
    condition: hasMembers,
  });
}

/** Limits the pattern of the rule to the kinds of events whose conditions hold. */
function applyPattern(
  stack: Stack,
  builder: SociIndexBuilder,
  isReplicated: CfnCondition,
  isCached: CfnCondition,
  isUntagged: CfnCondition,
): void {
  const [rule] = resourcesOf<CfnEventRule>(builder, 'AWS::Events::Rule');
  if (rule === undefined) throw new Error('the construct has no rule');
  const { 'detail-type': types, detail, ...pattern } = stack.resolve(rule.eventPattern) as EventPattern;
  const [pushes, replications, caches] = types;
  // Fn::If removes the condition for the tag if untagged images are indexed too.
  const [pushed, throughCache] = detail.$or.map((each) => ({
    ...each,
    'image-tag': Fn.conditionIf(isUntagged.logicalId, { Ref: 'AWS::NoValue' }, each['image-tag']),
  }));
  rule.eventPattern = {
    ...pattern,
    'detail-type': [pushes, onlyIf(isReplicated, replications), onlyIf(isCached, caches)],
    detail: Fn.conditionIf(isCached.logicalId, { $or: [pushed, throughCache] }, pushed),
  };
}

/** The pattern of a rule for all kinds of events, in the order of `SociIndexBuilder`. */
interface EventPattern {
  readonly 'detail-type': readonly string[];
  readonly detail: { readonly $or: readonly Readonly<Record<string, unknown>>[] };
}
