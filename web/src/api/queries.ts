import {keepPreviousData, useInfiniteQuery, useQuery, QueryClient} from '@tanstack/react-query';
import {recommendBody, priced, targeted, type Ask} from '../url';
import {get, post, Problem} from './client';
import type * as Api from './types';

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // What the caller got wrong stays wrong; a server that restarts is back in a moment.
      retry: (count, error) => count < 1 && error instanceof Problem && (error.status === 0 || error.status === 503),
      retryDelay: 400,
    },
  },
});

const query = (parts: Record<string, string | number | undefined>) => {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value !== undefined && value !== '') q.set(name, String(value));
  const text = q.toString();
  return text ? `?${text}` : '';
};

export const useInfo = () => useQuery({queryKey: ['info'], queryFn: ({signal}) => get<Api.Info>('/info', signal), staleTime: Infinity});

export const useUseCases = () =>
  useQuery({queryKey: ['useCases'], queryFn: ({signal}) => get<{useCases: Api.UseCase[]}>('/useCases', signal), staleTime: Infinity});

export const useModels = (words: string, evidence: string) =>
  useInfiniteQuery({
    queryKey: ['models', words, evidence],
    queryFn: ({pageParam, signal}) => get<Api.Models>(`/models${query({query: words, evidence, pageSize: 60, pageToken: pageParam})}`, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.nextPageToken || undefined,
    placeholderData: keepPreviousData,
  });

/** Everything there is about one model, found by its exact name. */
export const useModel = (id: string) =>
  useQuery({
    queryKey: ['model', id],
    queryFn: async ({signal}) => (await get<Api.Models>(`/models${query({query: id})}`, signal)).models.find((m) => m.id === id) ?? null,
    enabled: id !== '',
  });

/** Asked again with every move of a slider: a request that is no longer wanted is aborted, the last answer stays. */
export const useRecommendation = (ask: Ask) => {
  const body = recommendBody(ask);
  return useQuery({
    queryKey: ['recommend', body],
    queryFn: ({signal}) => post<Api.Recommendation>('/recommend', body, signal),
    enabled: ask.model !== '',
    placeholderData: keepPreviousData,
  });
};

export const useComparison = (ask: Ask, ids: string[]) => {
  const body = {ids, x: ask.x, y: ask.y, statistic: ask.statistic, ...priced(ask), ...targeted(ask)};
  return useQuery({
    queryKey: ['compare', body],
    queryFn: ({signal}) => post<Api.Comparison>('/profiles:compare', body, signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });
};

export const useProfile = (id: string, ask: Ask) => {
  const parts: Record<string, string | number | undefined> = {pricingModel: ask.pricing, provider: ask.provider, region: ask.region};
  for (const [metric, value] of Object.entries(ask.targets)) parts[`${metric}Milliseconds`] = value;
  if (Object.keys(ask.targets).length > 0) parts.statistic = ask.statistic;
  return useQuery({
    queryKey: ['profile', id, parts],
    queryFn: ({signal}) => get<Api.ProfileAnswer>(`/profiles/${encodeURIComponent(id)}${query(parts)}`, signal),
    placeholderData: keepPreviousData,
  });
};

export const useManifest = (body: Record<string, unknown> | null) =>
  useQuery({
    queryKey: ['manifest', body],
    queryFn: ({signal}) => post<Api.Manifest>('/manifests', body, signal),
    enabled: body !== null,
    placeholderData: keepPreviousData,
  });

export const useRuns = () =>
  useQuery({queryKey: ['runs'], queryFn: ({signal}) => get<{runs: Api.Run[]}>('/runs', signal), refetchInterval: 10_000});

export const useRun = (id: string) =>
  useQuery({queryKey: ['run', id], queryFn: ({signal}) => get<Api.RunAnswer>(`/runs/${encodeURIComponent(id)}`, signal)});

export const usePrices = (provider: string, region: string, item: string) =>
  useQuery({
    queryKey: ['prices', provider, region, item],
    queryFn: ({signal}) => get<{prices: Api.PriceRow[]; totalSize?: number}>(`/prices${query({provider, region, item})}`, signal),
    placeholderData: keepPreviousData,
  });

export const useDeployments = (namespace: string, measure: boolean) =>
  useQuery({
    queryKey: ['deployments', namespace, measure],
    queryFn: ({signal}) => get<{deployments: Api.Deployment[]; context?: string; namespace?: string}>(`/deployments${query({namespace, measure: String(measure)})}`, signal),
    refetchInterval: measure ? 30_000 : 10_000,
  });
