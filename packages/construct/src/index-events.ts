import { type IEventBus, type OnEventOptions, Rule } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import { checkObject, fail, quote } from './property-types';

/** `source` of the generator's events. */
const SOURCE = 'soci-index-builder';

/** `detail-type` of the generator's events. */
export type IndexEvent = 'SOCI Index Ready' | 'SOCI Index Failed';

/** Creates a rule for an event of the generator, like the `on...` methods of the AWS CDK. Fails without an event bus. */
export function onIndexEvent(
  builder: Construct,
  eventBus: IEventBus | undefined,
  detailType: IndexEvent,
  id: string,
  options: OnEventOptions,
): Rule {
  if (typeof id !== 'string')
    fail(builder, 'id', `${quote(id)} is not a string: use an id for the rule, such as 'Notify'`);
  checkObject(builder, id, options, 'options such as { target: new SnsTopic(topic) }');
  const { target, eventPattern, crossStackScope, ...props } = options;
  if (eventBus === undefined) {
    fail(
      builder,
      'eventBus',
      `without it, there are no events for ${id}: set it, for example to the default event bus`,
    );
  }
  if (target !== undefined && typeof target?.bind !== 'function') {
    fail(
      builder,
      id,
      `target: ${quote(target)} is not a target: use one of aws-events-targets, such as new SnsTopic(topic)`,
    );
  }
  const rule = new Rule(crossStackScope ?? builder, id, { ...props, eventBus });
  if (target !== undefined) rule.addTarget(target);
  if (eventPattern !== undefined) rule.addEventPattern(eventPattern);
  rule.addEventPattern({ source: [SOURCE], detailType: [detailType] });
  return rule;
}
