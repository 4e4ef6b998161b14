import type { SociIndexBuilder } from '@soci/construct';
import { type CfnCondition, CfnParameter, CfnRule, Fn, type Stack } from 'aws-cdk-lib';
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
    ],
    // The rule of the construct then has the patterns of all kinds.
    props: { replicatedImages: true, cachedImages: true },
    apply(builder) {
      const isReplicated = whenEquals(stack, 'IndexesReplicatedImages', replicated, 'true');
      const isCached = whenEquals(stack, 'IndexesCachedImages', cached, 'true');
      const kinds = ['push', whenTrue(isReplicated, ',replication'), whenTrue(isCached, ',pull-through-cache')];
      for (const each of [builder.filterFunction, builder.generatorFunction]) {
        each.addEnvironment('soci_event_kinds', Fn.join('', kinds));
      }
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
