// The CDK that the construct is developed with, and the construct as it is built. Neither is a dependency of the conformance
// package: what is loaded here is what `packages/construct` has, as two copies of the CDK in a process would not know each other.
// JavaScript, since the CDK's types are not made for the exactness that the other tests are checked with.
import { createRequire } from 'node:module';

const construct = createRequire(new URL('../../../packages/construct/package.json', import.meta.url));

/** The CDK. */
export const cdk = construct('aws-cdk-lib');

/** `@soci/construct`. */
export const { SociIndexBuilder, SociIndexVersion } = construct('./dist/index.js');
