import {createParser} from 'eventsource-parser';

/** Why an answer did not come, in the server's own words where it gave any. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly reason = '',
    readonly requestId = '',
  ) {
    super(message);
  }
}

const tokenKey = 'kneepoint.token';
let token = read();

function read(): string {
  try {
    return sessionStorage.getItem(tokenKey) ?? '';
  } catch {
    return '';
  }
}

// Whether the server asks for a token, or for another: '' not, 'missing' or 'refused'.
export type Asked = '' | 'missing' | 'refused';
let asked: Asked = '';
const waiting = new Set<() => void>();

export const signIn = {
  asked: (): Asked => asked,
  subscribe: (each: () => void) => {
    waiting.add(each);
    return () => void waiting.delete(each);
  },
};

function ask(next: Asked): void {
  if (next === asked) return;
  asked = next;
  waiting.forEach((each) => each());
}

/** Kept for this tab alone; never in the address, never in local storage. */
export function keepToken(next: string): void {
  token = next;
  ask('');
  try {
    if (next) sessionStorage.setItem(tokenKey, next);
    else sessionStorage.removeItem(tokenKey);
  } catch {
    // Without storage it lasts until the page is loaded again.
  }
}

function fields(extra: Record<string, string> = {}): Record<string, string> {
  return {Accept: 'application/json', ...(token ? {Authorization: `Bearer ${token}`} : {}), ...extra};
}

async function problemOf(answer: Response): Promise<Problem> {
  const id = answer.headers.get('x-request-id') ?? '';
  try {
    const {error} = (await answer.json()) as {error: {message: string; status?: string; details?: {reason?: string}[]}};
    return new Problem(answer.status, error.status ?? '', error.message, error.details?.find((d) => d.reason)?.reason ?? '', id);
  } catch {
    return new Problem(answer.status, '', answer.statusText || `HTTP ${answer.status}`, '', id);
  }
}

async function send(method: string, path: string, body: unknown, signal: AbortSignal | undefined, accept?: string): Promise<Response> {
  let answer: Response;
  const sent = token;
  try {
    answer = await fetch(path, {
      method,
      signal: signal ?? null,
      headers: fields({...(body === undefined ? {} : {'Content-Type': 'application/json'}), ...(accept ? {Accept: accept} : {})}),
      ...(body === undefined ? {} : {body: JSON.stringify(body)}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, 'UNREACHABLE', '');
  }
  if (answer.status === 401 && sent === token) ask(token ? 'refused' : 'missing');
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

export const base = '/kneepoint/v1';

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send('GET', base + path, undefined, signal)).json() as Promise<T>;
}

export async function post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return (await send('POST', base + path, body, signal)).json() as Promise<T>;
}

export async function remove<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await send('DELETE', base + path, undefined, signal)).json() as Promise<T>;
}

export async function text(path: string, signal?: AbortSignal): Promise<string> {
  return (await send('GET', base + path, undefined, signal, '*/*')).text();
}

/**
 * Server-sent events by fetch: EventSource could not send the token. Ends when the server ends the
 * stream; a stream that breaks is asked for again by the caller.
 */
export async function events(path: string, each: (event: string, data: unknown) => void, signal: AbortSignal): Promise<void> {
  const answer = await send('GET', base + path, undefined, signal, 'text/event-stream');
  const parser = createParser({
    onEvent: ({event, data}) => {
      let value: unknown = {};
      try {
        value = data ? JSON.parse(data) : {};
      } catch {
        return;
      }
      each(event ?? 'message', value);
    },
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    parser.feed(value);
  }
}

export interface Progress {
  done?: number;
  all?: number;
  what?: string;
}

/** A long verb: asks, follows its progress, and gives its result. Aborting cancels it on the server too. */
export async function job<T>(path: string, body: unknown, progress: (p: Progress) => void, signal: AbortSignal): Promise<T> {
  const started = await post<{job?: {id: string}} & Partial<T>>(path, body, signal);
  if (!started.job) return started as T;
  const {id} = started.job;
  signal.addEventListener('abort', () => void post(`/jobs/${encodeURIComponent(id)}:cancel`, {}).catch(() => undefined), {once: true});
  let result: T | undefined;
  let failed: Problem | undefined;
  await events(
    `/jobs/${encodeURIComponent(id)}/events`,
    (event, data) => {
      if (event === 'progress') progress(data as Progress);
      else if (event === 'done') result = ((data as {result?: T}).result ?? data) as T;
      else if (event === 'failed') {
        const raw = data as {error?: {code?: number; status?: string; message?: string}; code?: number; status?: string; message?: string};
        const error = raw.error ?? raw;
        failed = new Problem(error.code ?? 500, error.status ?? '', error.message ?? '');
      }
    },
    signal,
  );
  if (failed) throw failed;
  if (result === undefined) throw new Problem(0, 'CUT_OFF', '');
  return result;
}
