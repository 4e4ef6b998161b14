import { type Reply, replyJson } from '../http/reply.ts';
import type { Fault } from './fault-rule.ts';

const PAGE = '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n';

/** The answer of a fault that stands in place of the registry's. */
export function replaceReply(fault: Fault | undefined): Reply | undefined {
  switch (fault?.kind) {
    case 'status': {
      const { status, retryAfter, body } = fault;
      const headers = { ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) };
      if (body !== undefined) return { status, headers, body: Buffer.from(body) };
      const code = status === 429 ? 'TOOMANYREQUESTS' : 'UNKNOWN';
      return replyJson(status, { errors: [{ code, message: `injected ${status}`, detail: {} }] }, headers);
    }
    case 'redirect':
      return { status: 307, headers: { location: fault.location } };
    case 'html':
      return { status: fault.status ?? 200, headers: { 'content-type': 'text/html' }, body: Buffer.from(PAGE) };
    default:
      return undefined;
  }
}

/** The registry's answer with what a fault changes of its header. */
export function applyToReply(reply: Reply, fault: Fault | undefined): Reply {
  if (fault?.kind === 'headers') return { ...reply, headers: { ...reply.headers, ...lowerCased(fault.headers) } };
  if (fault?.kind !== 'wrong-digest-header') return reply;
  return { ...reply, headers: { ...reply.headers, 'docker-content-digest': `sha256:${'0'.repeat(64)}` } };
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
