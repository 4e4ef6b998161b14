import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { attempt, checkBoundary, checkNumber, checkSizes, checkVersion, fail, isOther } from './check-props';
import type { SociIndexedImageProps } from './soci-indexed-image-props';
import { rules } from './synth-rules';

const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[\da-f]{64}$/;
const MAX_TAG_LENGTH = 128;
const SHORT_DIGEST_LENGTH = 12;

/** Checks what can be known while the template is made; what is a token, the function checks. */
export function checkIndexedImage(scope: Construct, props: SociIndexedImageProps): void {
  checkNumber(scope, 'memorySize', props.memorySize, 256, 10_240, 'MB: below that a large image may not fit');
  checkNumber(scope, 'timeout', props.timeout?.toSeconds(), 30, 900, 'seconds: more Lambda does not give');
  for (const [name, value] of [
    ['memorySize', props.memorySize],
    ['timeout', props.timeout?.toSeconds()],
  ] as const) {
    if (!Token.isUnresolved(value)) continue;
    fail(
      scope,
      name,
      'it is known only when the stack is deployed, and the images of a stack have the most of all: a number',
    );
  }
  checkSizes(scope, props);
  checkVersion(scope, props.indexVersion);
  checkBoundary(scope, props.permissionsBoundary);
  checkRepository(scope, props);
  const { tag } = props;
  if (!Token.isUnresolved(tag) && !TAG.test(tag) && !DIGEST.test(tag)) {
    fail(scope, 'tag', `${JSON.stringify(tag)} is neither a tag nor a digest, which is sha256: and 64 digits`);
  }
  if (props.indexVersion?.value !== 'V1') checkOutputTag(scope, props);
}

function checkRepository(scope: Construct, { repository }: SociIndexedImageProps): void {
  const { account, region } = repository.env;
  const here = Stack.of(scope);
  if (isOther(account, here.account) || isOther(region, here.region)) {
    fail(
      scope,
      'repository',
      `${repository.repositoryName} is of account ${account} in ${region}: index it in a stack that is deployed there`,
    );
  }
}

function checkOutputTag(scope: Construct, props: SociIndexedImageProps): void {
  const { tag, wait = true } = props;
  const { outputTag = DIGEST.test(tag) ? rules.DIGEST_OUTPUT_TAG : rules.DEFAULT_OUTPUT_TAG } = props;
  if (Token.isUnresolved(outputTag)) return;
  attempt(scope, 'outputTag', () => rules.parseOutputTag(outputTag));
  if (!wait && outputTag === rules.NO_OUTPUT_TAG) {
    fail(
      scope,
      'outputTag',
      'none: without a tag nobody could find an index that was not waited for: leave one of both',
    );
  }
  if (Token.isUnresolved(tag)) return;
  if (DIGEST.test(tag) && outputTag.includes('{tag}')) {
    fail(scope, 'outputTag', `${outputTag} takes the tag of an image that is given by its digest: use {digest12}`);
  }
  const made = outputTag.replaceAll('{tag}', tag).replaceAll('{digest12}', '0'.repeat(SHORT_DIGEST_LENGTH));
  if (made.length > MAX_TAG_LENGTH) {
    fail(scope, 'outputTag', `${made} has ${made.length} characters, and tags ${MAX_TAG_LENGTH}: use {digest12}`);
  }
}
