// swift-tools-version:6.0

import PackageDescription

let package = Package(
    name: "Interop",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "client")],
    targets: [
        .executableTarget(name: "Interop", dependencies: [.product(name: "Anam", package: "client")])
    ]
)
