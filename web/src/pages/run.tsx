export default function Page(_: {id?: string}) { return <div className="page"/>; }
