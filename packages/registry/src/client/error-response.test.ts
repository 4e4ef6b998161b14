import { OciError } from '@soci/oci';
import { describe, expect, test } from 'vitest';
import type { HttpMethod } from '../transport/http-message.ts';
import { describeFailure, isTokenExpired } from './error-response.ts';

const bytes = (body: unknown) => Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
const errorBody = (code: unknown, message?: unknown) => ({ errors: [{ code, message, detail: { secret: 'detail' } }] });

function failure(
  method: HttpMethod,
  path: string,
  status: number,
  body: unknown,
  { type = 'application/json', authorization }: { type?: string; authorization?: string } = {},
) {
  const url = new URL(path, 'https://registry.test');
  return describeFailure(
    { method, url, status, headers: { 'content-type': type }, body: bytes(body) },
    { authorization },
  );
}

describe('the error code', () => {
  test.each<[string, HttpMethod, string, number, unknown, string]>([
    ['a missing tag', 'GET', '/v2/app/manifests/x', 404, errorBody('MANIFEST_UNKNOWN', 'unknown'), 'NOT_FOUND'],
    [
      'a missing repository',
      'POST',
      '/v2/app/blobs/uploads/',
      404,
      errorBody('NAME_UNKNOWN', 'The repository does not exist'),
      'NOT_FOUND',
    ],
    ['a range past the end', 'GET', '/v2/app/blobs/x', 416, '', 'RANGE_INVALID'],
    [
      'rejected credentials',
      'GET',
      '/v2/',
      401,
      errorBody('UNAUTHORIZED', 'authentication required'),
      'AUTHENTICATION_FAILED',
    ],
    ['denied', 'PUT', '/v2/app/manifests/x', 403, errorBody('DENIED', 'no'), 'ACCESS_DENIED'],
    ['too many requests', 'GET', '/v2/app/manifests/x', 429, errorBody('TOOMANYREQUESTS', 'slow down'), 'RATE_LIMITED'],
    ['a server error', 'GET', '/v2/app/manifests/x', 500, 'oops', 'SERVER_FAILED'],
    [
      'ECR: a rejected manifest',
      'PUT',
      '/v2/app/manifests/x',
      405,
      errorBody('UNSUPPORTED', "Invalid parameter at 'ImageManifest'"),
      'MANIFEST_REFUSED',
    ],
    [
      'a manifest that refers to a missing blob',
      'PUT',
      '/v2/app/manifests/x',
      400,
      errorBody('MANIFEST_BLOB_UNKNOWN', 'blob unknown'),
      'MANIFEST_REFUSED',
    ],
    [
      'a manifest that is too large',
      'PUT',
      '/v2/app/manifests/x',
      413,
      errorBody('SIZE_INVALID', 'too large'),
      'MANIFEST_REFUSED',
    ],
    [
      'ECR: an immutable tag',
      'PUT',
      '/v2/app/manifests/1',
      400,
      errorBody(
        'TAG_INVALID',
        "The image tag '1' already exists in the 'app' repository and cannot be overwritten because the repository is immutable.",
      ),
      'TAG_IMMUTABLE',
    ],
    [
      'Harbor: an immutable tag',
      'PUT',
      '/v2/app/manifests/1',
      412,
      errorBody('PRECONDITION', "Failed to process request due to 'app:1' configured as immutable."),
      'TAG_IMMUTABLE',
    ],
    [
      'deletion disabled',
      'DELETE',
      '/v2/app/manifests/x',
      405,
      errorBody('UNSUPPORTED', 'The operation is unsupported.'),
      'UNSUPPORTED',
    ],
    ['an invalid digest', 'DELETE', '/v2/app/blobs/x', 400, errorBody('DIGEST_INVALID', 'invalid'), 'UNSUPPORTED'],
    [
      'the wrong digest of an upload',
      'PUT',
      '/v2/app/blobs/uploads/1',
      400,
      errorBody('DIGEST_INVALID', 'no match'),
      'UPLOAD_REFUSED',
    ],
    ['an unexpected redirect', 'POST', '/v2/app/blobs/uploads/', 302, '', 'REDIRECT_REFUSED'],
    ['an unexpected 304', 'GET', '/v2/app/blobs/x', 304, '', 'RESPONSE_INVALID'],
  ])('%s', (_name, method, path, status, body, code) => {
    const error = failure(method, path, status, body);
    expect(error.code).toBe(code);
    expect(error instanceof OciError).toBe(code === 'NOT_FOUND' || code === 'RANGE_INVALID');
  });

  test.each([
    ['manifests/v1', 'MANIFEST_UNKNOWN', 'no tag v1 in the repository team/app'],
    ['manifests/sha256:0a', 'MANIFEST_UNKNOWN', 'no manifest sha256:0a in the repository team/app'],
    ['blobs/sha256:0a', 'BLOB_UNKNOWN', 'no blob sha256:0a in the repository team/app'],
    ['manifests/v1', 'NAME_UNKNOWN', 'no repository team/app'],
    ['tags/list', 'NOT_FOUND', 'no repository team/app'],
    ['blobs/uploads/', 'NOT_FOUND', 'no repository team/app'],
  ])('a 404 for %s with %s names what was looked for', (path, code, missing) => {
    const { message } = failure('GET', `/v2/team/app/${path}`, 404, errorBody(code, 'unknown'));
    expect(message).toBe(
      `registry.test has ${missing}: GET https://registry.test/v2/team/app/${path} failed with status 404: ${code}: unknown`,
    );
  });

  test.each([
    ['by its Content-Type', 'text/html; charset=utf-8', 'sign in'],
    ['by its content', '', '\n<!DOCTYPE html><title>sign in'],
  ])('HTML is detected %s, and not quoted', (_name, type, body) => {
    const error = failure('GET', '/v2/app/manifests/x', 404, body, { type });
    expect(error.code).toBe('RESPONSE_INVALID');
    expect(error.message).toBe(
      'GET https://registry.test/v2/app/manifests/x failed with status 404 and an HTML page: check that the host is a registry and that no proxy intercepts requests',
    );
    expect(failure('GET', '/v2/', 502, body, { type }).code).toBe('SERVER_FAILED');
  });
});

describe('the error message', () => {
  test('contains the request and the messages of the registry', () => {
    const body = {
      errors: [...errorBody('MANIFEST_INVALID', 'no config').errors, ...errorBody('NAME_INVALID').errors],
    };
    const error = failure('PUT', '/v2/app/manifests/1?x-token=secret', 400, body);
    expect(error.message).toBe(
      'PUT https://registry.test/v2/app/manifests/1 failed with status 400: MANIFEST_INVALID: no config; NAME_INVALID',
    );
    expect(error).toMatchObject({
      request: 'PUT https://registry.test/v2/app/manifests/1',
      status: 400,
      refusals: [
        { code: 'MANIFEST_INVALID', message: 'no config' },
        { code: 'NAME_INVALID', message: '' },
      ],
    });
  });

  test.each([
    '',
    'null',
    '7',
    '"text"',
    '[]',
    '{}',
    '{"errors":{}}',
    '{"errors":[null,1,"x",[]]}',
    '{"errors":',
    '<Error><Code>AccessDenied</Code></Error>',
    '\0\xff',
  ])('contains no messages for the body %j', (body) => {
    expect(failure('GET', '/v2/app/tags/list', 400, body)).toMatchObject({
      refusals: [],
      message: 'GET https://registry.test/v2/app/tags/list failed with status 400 and no error message',
    });
  });

  test('is limited in length', () => {
    const body = {
      errors: Array.from({ length: 1000 }, () => ({ code: 'C'.repeat(1000), message: 'm'.repeat(5000) })),
    };
    const error = failure('GET', '/v2/', 400, body);
    expect(error).toMatchObject({ refusals: { length: 10 } });
    expect(error.message.length).toBeLessThan(10 * (64 + 500 + 10) + 100);
  });

  test('contains only printable strings of the body', () => {
    expect(failure('GET', '/v2/', 400, errorBody({}, 7))).toMatchObject({ refusals: [{ code: '', message: '' }] });
    const error = failure('GET', '/v2/', 400, errorBody('X\u001b[2J', 'a\r\nb\u202ec\u0000\u2028d'));
    expect(error).toMatchObject({ refusals: [{ code: 'X\\x1b[2J', message: 'a b\\u202ec\\x00 d' }] });
  });

  test('contains no credentials, upload state or signature of the request', () => {
    const authorization = `Basic ${Buffer.from('AWS:pass+word').toString('base64')}`;
    const echo = `pass+word may not PUT /v2/app/blobs/uploads/1?_state=SECRET (secretstate), see https://a.test/?b=c`;
    const error = failure('PUT', '/v2/app/blobs/uploads/1?_state=secretstate', 403, errorBody('DENIED', echo), {
      authorization,
    });
    expect(error).toMatchObject({
      refusals: [{ message: '… may not PUT /v2/app/blobs/uploads/1?… (…), see https://a.test/?…' }],
    });
  });
});

test('isTokenExpired distinguishes an expired token from missing permissions', () => {
  expect(
    isTokenExpired(bytes(errorBody('DENIED', 'Your authorization token has expired. Reauthenticate and try again.'))),
  ).toBe(true);
  expect(isTokenExpired(bytes(errorBody('DENIED', 'User is not authorized to perform ecr:InitiateLayerUpload')))).toBe(
    false,
  );
  expect(isTokenExpired(bytes('token has expired'))).toBe(false);
});
