// A static import also works in CommonJS bundles that leave out the AWS SDK: see ecr-public-sdk.ts.
export { createChecksumStream } from '@smithy/util-stream';
