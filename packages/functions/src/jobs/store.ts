// Imported only by the handlers of the jobs: the client of Amazon S3 is large.
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { FunctionError, messageOf } from '../errors.ts';
import { SDK_TIMEOUTS } from '../sdk-timeouts.ts';

/** The bucket of a state machine. */
export interface RunStore {
  /** Writes JSON. */
  put(key: string, value: unknown): Promise<void>;
  /** Writes parts of a text. Does not return before the object is durable. */
  putText(key: string, parts: readonly string[]): Promise<void>;
  /** Reads JSON. */
  get(key: string): Promise<unknown>;
  /** Reads a text of at most 64 MiB, and when it was written, in milliseconds since 1970. */
  readText(key: string): Promise<{ readonly text: string; readonly writtenAt: number }>;
  /** Reads an object in chunks. */
  open(key: string): Promise<AsyncIterable<Uint8Array>>;
  /** Lists the keys that start with a prefix. */
  list(prefix: string): Promise<readonly string[]>;
}

/** Maximum size of an object that is parsed as a whole, in bytes: the plan of a repository of 100,000 images has 20 MB. */
const MAX_PARSED = 256 << 20;

/** Maximum size of a text, in bytes: that of a list of images in use. */
const MAX_TEXT = 64 << 20;

/** Maximum number of listed keys. Amazon ECR allows 100,000 repositories in a Region. */
const MAX_KEYS = 200_000;

/** Opens a bucket. The methods throw FunctionError `TRY_AGAIN` with the key if a request fails. */
export function openStore(bucket: string): RunStore {
  const client = new S3Client({
    requestHandler: { ...SDK_TIMEOUTS, requestTimeout: 60_000 },
    // Emulators do not know virtual hosts.
    forcePathStyle: process.env.AWS_ENDPOINT_URL_S3 !== undefined,
  });
  const attempt = async <Result>(what: string, send: () => Promise<Result>): Promise<Result> =>
    send().catch((cause: unknown) => {
      throw new FunctionError('TRY_AGAIN', `cannot ${what}: ${messageOf(cause)}`, { cause });
    });
  const write = (key: string, Body: Uint8Array | string) =>
    attempt(`write s3://${bucket}/${key}`, async () => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: 'application/json' }));
    });
  const open = (key: string) =>
    attempt(`read s3://${bucket}/${key}`, async () => {
      const {
        Body,
        ContentLength = 0,
        LastModified,
      } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (Body === undefined) throw new Error('it has no content');
      const body = Body as unknown as AsyncIterable<Uint8Array>;
      return { body, size: ContentLength, writtenAt: LastModified?.getTime() ?? 0 };
    });
  const readAll = async (key: string, maxSize: number) => {
    const { body, size, writtenAt } = await open(key);
    if (size > maxSize) throw new Error(`it has ${size} bytes: the maximum is ${maxSize}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString(), writtenAt };
  };
  return {
    put: (key, value) => write(key, JSON.stringify(value)),
    putText: (key, parts) => write(key, Buffer.concat(parts.map((part) => Buffer.from(part)))),
    open: async (key) => (await open(key)).body,
    readText: (key) => attempt(`read s3://${bucket}/${key}`, () => readAll(key, MAX_TEXT)),
    get: (key) =>
      attempt(`read s3://${bucket}/${key}`, async () => JSON.parse((await readAll(key, MAX_PARSED)).text) as unknown),
    list: (prefix) =>
      attempt(`list s3://${bucket}/${prefix}`, async () => {
        const keys: string[] = [];
        let token: string | undefined;
        do {
          const { Contents = [], NextContinuationToken } = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
          );
          for (const { Key } of Contents) if (Key !== undefined) keys.push(Key);
          token = NextContinuationToken;
        } while (token !== undefined && keys.length < MAX_KEYS);
        return keys;
      }),
  };
}
