// Types of properties. TypeScript and jsii check them, JavaScript does not.
import type { Construct } from 'constructs';

/** Properties that are objects of the AWS CDK or of this package: a member of the object, and a value to use instead. */
const OBJECTS: Readonly<Record<string, readonly [member: string, example: string]>> = {
  alarmTopic: ['topicArn', "new Topic(stack, 'Alarms')"],
  architecture: ['name', 'Architecture.ARM_64'],
  bucket: ['bucketArn', "new Bucket(stack, 'Results')"],
  builder: ['generatorFunction', "new SociIndexBuilder(stack, 'Soci')"],
  deadLetterQueue: ['queueArn', "new Queue(stack, 'Failed')"],
  encryptionKey: ['keyArn', "new Key(stack, 'Key')"],
  eventBus: ['eventBusArn', "EventBus.fromEventBusName(stack, 'Bus', 'default')"],
  generatorFunction: ['functionArn', "Function.fromFunctionName(stack, 'Generator', 'name')"],
  indexVersion: ['value', 'SociIndexVersion.V2'],
  maxImageSize: ['toBytes', 'Size.gibibytes(5)'],
  minLayerSize: ['toBytes', 'Size.mebibytes(10)'],
  newerThan: ['toDays', 'Duration.days(30)'],
  olderThan: ['toDays', 'Duration.days(30)'],
  otherImagesInUse: ['value', 'SociImagesInUse.NONE'],
  permissionsBoundary: ['managedPolicyArn', "ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'name')"],
  pushEventBus: ['eventBusArn', "EventBus.fromEventBusName(stack, 'Bus', 'default')"],
  recompress: ['value', 'SociRecompression.ZSTD'],
  repository: ['repositoryName', "Repository.fromRepositoryName(stack, 'Images', 'name')"],
  resultRetention: ['toDays', 'Duration.days(30)'],
  schedule: ['expressionString', 'Schedule.rate(Duration.days(1))'],
  spanSize: ['toBytes', 'Size.mebibytes(4)'],
  timeout: ['toSeconds', 'Duration.minutes(15)'],
  vpc: ['vpcId', "Vpc.fromLookup(stack, 'Network', { vpcName: 'name' })"],
};

/** Properties that are lists: the type of their elements, and a value to use instead. */
const LISTS: Readonly<Record<string, readonly [type: 'string' | 'object', example: string]>> = {
  clusters: ['object', '[cluster]'],
  filters: ['string', "['prod/*:*']"],
  memberAccounts: ['string', "['111122223333']"],
  repositories: ['object', '[repository]'],
  securityGroups: ['object', '[securityGroup]'],
};

const BOOLEANS = [
  ...['alarms', 'autoSpanSize', 'cachedImages', 'dashboard', 'deadLetterQueueEnabled', 'delete', 'queue'],
  ...['removeIndex', 'replicatedImages', 'untaggedImages', 'useStoredProfile', 'wait'],
];

/** Rejects a value that is not an object with properties. `example` is one to use instead. */
export function checkObject(scope: Construct, name: string, value: unknown, example: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  fail(scope, name, `${quote(value)} has the wrong type: use ${example}`);
}

/**
 * Rejects values of other types than the declared ones, which JavaScript allows. Tokens have the type of their value.
 *
 * @param prefix - Start of the names of the properties in errors, if they belong to another property.
 */
export function checkTypes(scope: Construct, props: object, prefix = ''): void {
  const given = Object.entries(props).filter(([, value]) => value !== undefined);
  for (const [property, value] of given) {
    const name = prefix + property;
    const [member, instance] = OBJECTS[property] ?? [];
    if (member !== undefined && !(typeof value === 'object' && value !== null && member in value)) {
      fail(scope, name, `${quote(value)} has the wrong type: use a value such as ${instance}`);
    }
    const [type, list] = LISTS[property] ?? [];
    if (type !== undefined) checkList(scope, name, value, type, String(list));
    if (BOOLEANS.includes(property) && typeof value !== 'boolean') {
      fail(scope, name, `${quote(value)} is not a boolean: use true or false`);
    }
    if (property === 'outputTag' && typeof value !== 'string') {
      fail(scope, name, `${quote(value)} is not a string: use a string such as '{tag}-soci'`);
    }
  }
}

/** Rejects a value that is not a list of `type`. */
function checkList(scope: Construct, name: string, value: unknown, type: 'string' | 'object', example: string): void {
  if (!Array.isArray(value)) fail(scope, name, `${quote(value)} is not a list: use a list such as ${example}`);
  const at = value.findIndex((element) => typeof element !== type || element === null);
  if (at !== -1) fail(scope, name, `element ${at} is ${quote(value[at])}: use a list such as ${example}`);
}

/** Formats a value of any type for an error, on one line and not too long. */
export function quote(value: unknown): string {
  const text = (typeof value === 'object' ? value?.constructor?.name : JSON.stringify(value)) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

/** Throws an error with the path of the construct and the name of the property. */
export function fail(scope: Construct, name: string, problem: string): never {
  throw new Error(`${scope.node.path}: ${name}: ${problem}`);
}
